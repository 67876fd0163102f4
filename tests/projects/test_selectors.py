"""The selectors: what they find, and how many queries they need."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser, User
from pytest_django import DjangoAssertNumQueries

from projects import selectors, services
from projects.models import SCOPES, Membership, Organization, Project
from projects.selectors import FoundProject
from projects.services.tokens import digest_of
from tsdb.series import claim_key
from tsdb.store import Store

pytestmark = pytest.mark.django_db


def test_a_project_is_found_by_slug_id_and_former_slug(project: Project) -> None:
    organization = project.organization.pk
    project.slug = "site"
    services.update_project(project=project)
    found = FoundProject(project.pk, organization, "site", moved=False)
    assert selectors.find_project(organization, "site") == found
    assert selectors.find_project(organization, str(project.pk)) == found
    assert selectors.find_project(organization, "web") == found._replace(moved=True)


def test_a_project_is_found_in_its_organization_alone(project: Project, other_organization: Organization) -> None:
    for reference in ("web", str(project.pk)):
        assert selectors.find_project(other_organization.pk, reference) is None


@pytest.mark.parametrize("reference", ["", "Web", "web\n", "web\0", "{web}", "0", "01", "9" * 19, "x" * 101, "١", "é"])
def test_what_can_be_no_reference_does_not_reach_the_database(
    project: Project, owner: User, django_assert_num_queries: DjangoAssertNumQueries, reference: str
) -> None:
    with django_assert_num_queries(0):
        assert selectors.find_project(project.organization.pk, reference) is None
        assert selectors.find_access(owner, reference) is None


def test_a_role_decides_on_the_scopes(organization: Organization, owner: User, outsider: User) -> None:
    viewer, member = (User.objects.create_user(name) for name in ("viewer", "member"))
    services.add_member(organization=organization, user_id=viewer.pk)
    services.add_member(organization=organization, user_id=member.pk, role=Membership.Role.MEMBER)
    superuser = User.objects.create_superuser("superuser")
    scopes = {
        user.get_username(): access.scopes if access else None
        for user in (owner, member, viewer, superuser, outsider)
        for access in [selectors.find_access(user, "acme")]
    }
    assert scopes == {
        "owner": frozenset(SCOPES),
        "superuser": frozenset(SCOPES),
        "member": frozenset(SCOPES) - {"project:admin", "org:admin", "event:admin", "org:write"},
        "viewer": frozenset(("project:read", "org:read", "event:read")),
        "outsider": None,
    }


def test_access_is_found_by_slug_and_id(organization: Organization, owner: User) -> None:
    for reference in ("acme", str(organization.pk)):
        access = selectors.find_access(owner, reference)
        assert access
        assert access.organization == organization.pk


def test_who_is_nobody_has_no_access(organization: Organization) -> None:
    assert selectors.find_access(AnonymousUser(), "acme") is None  # type: ignore[arg-type]


def test_a_user_has_accesses_in_each_organization_of_the_users(
    organization: Organization, other_organization: Organization, outsider: User
) -> None:
    services.add_member(organization=organization, user_id=outsider.pk, role=Membership.Role.MEMBER)
    accesses = {access.organization: len(access.scopes) for access in selectors.find_accesses(outsider)}
    assert accesses == {
        organization.pk: len(selectors.SCOPES_OF[Membership.Role.MEMBER]),
        other_organization.pk: len(SCOPES),
    }


def test_keys_are_found_in_their_project_alone(project: Project) -> None:
    other = services.create_project(organization=project.organization, slug="other", name="Other")
    mine, theirs = project.keys.get(), other.keys.get()
    asked = [mine.public, theirs.public, "0" * 32, "nul\0", ""]
    assert selectors.find_key_ids(project.pk, asked) == {mine.public: mine.pk}


def test_without_keys_to_find_nobody_is_asked(
    project: Project, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        assert selectors.find_key_ids(project.pk, []) == selectors.find_key_ids(project.pk, ["\0"]) == {}


def test_a_claim_is_found_in_its_project_while_it_lasts(store: Store, project: Project) -> None:
    def decode(raw: bytes) -> str | None:
        return raw.decode() if raw.isalpha() else None

    store.clients.write.set(claim_key(project.pk, "one"), "value")
    assert selectors.find_claim(project.pk, "one", decode) == "value"
    assert selectors.find_claim(project.pk, "two", decode) is None
    assert selectors.find_claim(project.pk + 1, "one", decode) is None
    store.clients.write.set(claim_key(project.pk, "one"), "1")
    assert selectors.find_claim(project.pk, "one", decode) is None
    assert not store.clients.read.exists(claim_key(project.pk, "one"))


def test_a_digest_of_a_token_is_its_sha256() -> None:
    assert digest_of("sta_") == "e236146f3d89c17453a763b1cda6fac00948d58910bca2db7763f3910ca53b91"
