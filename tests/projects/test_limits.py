"""The limits on keys, links, projects, tokens and members: existing rows stay, and only adding more is refused."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from projects import services
from projects.models import ApiToken, Membership, Organization, Project, ProjectKey, PublicLink
from projects.services import LimitReached
from tests.projects.pages import act, inline, said, url

pytestmark = pytest.mark.django_db

KEYS_FULL = (
    "This project has 2 keys, and PROJECT_MAX_KEYS allows 2: delete some that are not in use, or raise the limit."
)
PROJECTS_FULL = (
    "This organization has 2 projects, and ORGANIZATION_MAX_PROJECTS allows 2: "
    "delete or merge some, or raise the limit."
)
TOKENS_FULL = (
    "This organization has 2 tokens in force, and ORGANIZATION_MAX_TOKENS allows 2: revoke some, or raise the limit."
)
LINKS_FULL = (
    "This project has 2 public links in force, and PROJECT_MAX_LINKS allows 2: revoke some, or raise the limit."
)
MEMBERS_FULL = (
    "This organization has 2 members, and ORGANIZATION_MAX_MEMBERS allows 2: remove some, or raise the limit."
)
KEYS, PROJECTS = "/api/0/projects/acme/web/keys/", "/api/0/organizations/acme/projects/"

Add = Callable[[], object]


@pytest.fixture(autouse=True)
def two_of_each(settings: LazySettings) -> None:
    for name in (
        "PROJECT_MAX_KEYS",
        "PROJECT_MAX_LINKS",
        "ORGANIZATION_MAX_PROJECTS",
        "ORGANIZATION_MAX_TOKENS",
        "ORGANIZATION_MAX_MEMBERS",
    ):
        setattr(settings, name, 2)


@pytest.fixture
def adding(organization: Organization, project: Project) -> dict[str, Add]:
    """Functions that add one row of each kind. The organization has one project already, and that has one key."""
    made = [0]

    def user() -> int:
        made[0] += 1
        return User.objects.create_user(f"user{made[0]}").pk

    def slug() -> str:
        made[0] += 1
        return f"project{made[0]}"

    return {
        "keys": lambda: services.create_key(project=project),
        "links": lambda: services.create_link(project=project),
        "projects": lambda: services.create_project(organization=organization, slug=slug(), name="P"),
        "tokens": lambda: services.create_token(organization=organization, scopes=["org:read"]),
        "members": lambda: services.add_member(organization=organization, user_id=user()),
    }


def number_of(kind: str) -> int:
    models: dict[str, Any] = {
        "keys": ProjectKey,
        "links": PublicLink,
        "projects": Project,
        "tokens": ApiToken,
        "members": Membership,
    }
    rows = models[kind].objects.filter(project__slug="web") if kind == "keys" else models[kind].objects.all()
    return int(rows.count())


@pytest.mark.parametrize("kind", ["keys", "links", "projects", "tokens", "members"])
def test_there_are_as_many_as_the_limit_says_and_no_more(adding: dict[str, Add], kind: str) -> None:
    while number_of(kind) < 2:
        adding[kind]()
    said_of = {
        "keys": KEYS_FULL,
        "links": LINKS_FULL,
        "projects": PROJECTS_FULL,
        "tokens": TOKENS_FULL,
        "members": MEMBERS_FULL,
    }
    with pytest.raises(LimitReached) as refused:
        adding[kind]()
    assert refused.value.messages == [said_of[kind]]
    assert number_of(kind) == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["keys", "links", "projects", "tokens", "members"])
def test_two_at_once_do_not_pass_the_limit_together(adding: dict[str, Add], kind: str, settings: LazySettings) -> None:
    def add(_: int) -> bool:
        try:
            adding[kind]()
        except LimitReached:
            return False
        finally:
            connection.close()
        return True

    before = number_of(kind)
    with ThreadPoolExecutor(6) as threads:
        added = list(threads.map(add, range(6)))
    assert number_of(kind) == 2
    assert sum(added) == 2 - before


# --- keys ----------------------------------------------------------------------------------------------------


def test_the_api_says_that_a_project_has_its_keys(api: Client, project: Project) -> None:
    assert api.post(KEYS, {}, "application/json").status_code == 201
    refused = api.post(KEYS, {}, "application/json")
    assert (refused.status_code, refused.json()) == (400, {"detail": KEYS_FULL})
    gone = api.get(KEYS).json()[0]["id"]
    assert api.delete(f"{KEYS}{gone}/").status_code == 204
    assert api.post(KEYS, {}, "application/json").status_code == 201


def test_keys_above_the_limit_work_and_can_be_changed(
    api: Client, project: Project, settings: LazySettings, admin_client: Client
) -> None:
    services.create_key(project=project)
    settings.PROJECT_MAX_KEYS = 1
    for key in project.keys.all():
        assert api.put(f"{KEYS}{key.public}/", {"name": "Renamed"}, "application/json").status_code == 200
        assert api.get(f"{KEYS}{key.public}/stats/").status_code == 200
    rows = [{"id": key.pk, "project": project.pk, "label": "Anew", "active": "on"} for key in project.keys.all()]
    save_keys(admin_client, project, *rows, initial=2)
    assert set(project.keys.values_list("label", flat=True)) == {"Anew"}


def save_keys(client: Client, project: Project, *rows: dict[str, Any], initial: int) -> Any:
    filters = inline("filters", {"project": project.pk}) | inline("budgets")
    data = {"name": "Web", "slug": "web", "platform": "", **inline("keys", *rows, initial=initial), **filters}
    return client.post(url("project", "change", project.pk), data, follow=True)


def test_the_page_of_a_project_says_that_it_has_its_keys(admin_client: Client, project: Project) -> None:
    there: dict[str, Any] = {"id": project.keys.get().pk, "project": project.pk, "label": "Default", "active": "on"}
    new = {"project": project.pk, "label": "New", "active": "on"}
    page = save_keys(admin_client, project, there, new, new, initial=1)
    assert KEYS_FULL.replace("has 2", "has 1") in said(page)
    assert project.keys.count() == 1
    # A key that is deleted with the same form makes room.
    save_keys(admin_client, project, there | {"DELETE": "on"}, new, new, initial=1)
    assert list(project.keys.values_list("label", flat=True)) == ["New", "New"]


# --- projects ------------------------------------------------------------------------------------------------


def test_the_api_says_that_an_organization_has_its_projects(api: Client, project: Project) -> None:
    body = {"name": "Another"}
    assert api.post(PROJECTS, body, "application/json").status_code == 201
    for named in ({"name": "Third"}, {"name": "Third", "slug": "third"}):
        refused = api.post(PROJECTS, named, "application/json")
        assert (refused.status_code, refused.json()) == (400, {"detail": PROJECTS_FULL})
    assert api.put("/api/0/projects/acme/web/", {"name": "Renamed"}, "application/json").status_code == 200


def test_the_page_and_the_command_say_so_too(admin_client: Client, project: Project) -> None:
    call_command("createproject", "acme", "another", stdout=StringIO())
    data = {"organization": project.organization_id, "name": "Third", "slug": "third", "platform": ""}
    assert PROJECTS_FULL in said(admin_client.post(url("project", "add"), data))
    with pytest.raises(CommandError, match="'third' cannot be made: This organization has 2 projects"):
        call_command("createproject", "acme", "third", stdout=StringIO())
    call_command("createproject", "acme", "another", stdout=StringIO())  # it exists already
    with pytest.raises(CommandError, match="'pump-station' cannot be made: This organization has 2 projects"):
        call_command("seed", organization="acme", empty=True, verbosity=0)


def test_the_latest_earlier_slugs_lead_to_a_project_and_older_ones_to_nothing(
    api: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projects.services.projects.MOST_EARLIER_SLUGS", 2)
    for slug in ("one", "two", "three"):
        project.slug = slug
        services.update_project(project=project)
    status = {slug: api.get(f"/api/0/projects/acme/{slug}/").status_code for slug in ("web", "one", "two", "three")}
    assert status == {"web": 404, "one": 302, "two": 302, "three": 200}


# --- tokens --------------------------------------------------------------------------------------------------


def test_what_was_revoked_or_has_expired_makes_room(adding: dict[str, Add], organization: Organization) -> None:
    adding["tokens"]()
    adding["tokens"]()
    services.revoke_tokens(organization.tokens.all()[:1])
    adding["tokens"]()
    organization.tokens.filter(revoked=None).update(expires=datetime.now(UTC) - timedelta(seconds=1))
    adding["tokens"]()


def test_of_those_that_are_over_the_latest_are_kept_as_many_as_may_be_in_force(
    adding: dict[str, Add], organization: Organization
) -> None:
    for _ in range(5):
        adding["tokens"]()
        services.revoke_tokens(organization.tokens.all())
    adding["tokens"]()
    numbers = list(organization.tokens.order_by("id").values_list("id", flat=True))
    assert [token.revoked is None for token in organization.tokens.order_by("id")] == [False, False, True]
    for _ in range(5):
        services.rotate_token(token=organization.tokens.get(revoked=None))
    assert organization.tokens.count() == 3
    assert numbers[-1] not in organization.tokens.values_list("id", flat=True)


def test_a_token_is_rotated_above_the_limit_too(
    adding: dict[str, Add], organization: Organization, settings: LazySettings, admin_client: Client
) -> None:
    adding["tokens"]()
    adding["tokens"]()
    settings.ORGANIZATION_MAX_TOKENS = 1
    act(admin_client, "apitoken", "rotate", organization.tokens.all()[0].pk)
    assert organization.tokens.filter(revoked=None).count() == 2
    with pytest.raises(LimitReached):
        adding["tokens"]()


def test_the_page_and_the_command_say_that_an_organization_has_its_tokens(
    adding: dict[str, Add], organization: Organization, admin_client: Client
) -> None:
    adding["tokens"]()
    adding["tokens"]()
    data = {"organization": organization.pk, "name": "", "scopes": ["org:read"], "expires_0": "", "expires_1": ""}
    assert TOKENS_FULL in said(admin_client.post(url("apitoken", "add"), data))
    with pytest.raises(CommandError) as refused:
        call_command("createtoken", "acme", scope=["org:read"], stdout=StringIO())
    assert str(refused.value) == TOKENS_FULL


# --- members -------------------------------------------------------------------------------------------------


def test_the_page_of_an_organization_says_that_it_has_its_members(
    organization: Organization, admin_client: Client
) -> None:
    users = [User.objects.create_user(f"user{number}") for number in range(3)]

    def save(*rows: dict[str, Any], initial: int = 0) -> Any:
        data = {"name": "Acme", "slug": "acme", **inline("memberships", *rows, initial=initial)}
        return admin_client.post(url("organization", "change", organization.pk), data, follow=True)

    new = [{"organization": organization.pk, "user": user.pk, "role": "member"} for user in users]
    assert MEMBERS_FULL.replace("has 2", "has 0") in said(save(*new))
    assert not organization.memberships.exists()
    save(*new[:2])
    there = [
        row | {"id": organization.memberships.get(user=user).pk} for row, user in zip(new, users[:2], strict=False)
    ]
    assert MEMBERS_FULL in said(save(*there, new[2], initial=2))
    save(there[0] | {"role": "owner"}, there[1] | {"DELETE": "on"}, new[2], initial=2)
    assert sorted(organization.memberships.values_list("user__username", "role")) == [
        ("user0", "owner"),
        ("user2", "member"),
    ]
