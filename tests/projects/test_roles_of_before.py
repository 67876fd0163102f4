"""Members of an installation that is older than the role of viewers: each may still do the same."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from projects import selectors, services
from projects.models import SCOPES, Membership

pytestmark = pytest.mark.django_db(transaction=True)
BEFORE = [("projects", "0002_installation")]


def migrate(targets: list[tuple[str, str]] | None = None) -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(targets or [leaf for leaf in executor.loader.graph.leaf_nodes() if leaf[0] == "projects"])


@pytest.fixture
def migrated() -> None:
    """A database with a member and an owner from before the migration, migrated."""
    organization = services.create_organization(slug="acme", name="Acme")
    for name in ("member", "owner"):
        services.add_member(
            organization=organization, user_id=User.objects.create_user(name).pk, role=Membership.Role(name)
        )
    try:
        migrate(BEFORE)
        with pytest.raises(IntegrityError), transaction.atomic():
            Membership.objects.filter(user__username="member").update(role="viewer")
    finally:
        migrate()


def test_members_and_owners_may_do_what_they_could(migrated: None) -> None:
    scopes = {
        user.get_username(): access.scopes
        for user in User.objects.all()
        for access in [selectors.find_access(user, "acme")]
        if access
    }
    assert scopes == {
        "owner": frozenset(SCOPES),
        "member": frozenset(("project:read", "project:write", "org:read", "event:read", "event:write")),
    }


def test_there_may_be_viewers_now_and_no_other_role(migrated: None) -> None:
    Membership.objects.filter(user__username="member").update(role="viewer")
    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.filter(user__username="member").update(role="king")
