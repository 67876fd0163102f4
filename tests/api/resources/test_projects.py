"""Projects: list, retrieve, create, change, rename, delete, and create again."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.test import Client

from projects import services
from projects.models import Organization, Project
from statsapi.api.resources.filters import OPTIONS
from tests.api.looks import DATE, organization_of, project_of
from tsdb.store import Store

pytestmark = pytest.mark.django_db

JSON = "application/json"
PROJECTS = "/api/0/organizations/acme/projects/"
WEB = "/api/0/projects/acme/web/"
TAKEN = {"detail": "A project with this slug already exists."}
MISSING = {"detail": "The requested resource does not exist"}
SLUG = {"slug": ["Use 1 to 100 of a-z, 0-9, - and _, and not digits alone."]}
CONTROL = "Use text without control characters."


def create(api: Client, **body: Any) -> Any:
    return api.post(PROJECTS, body, JSON)


def change(api: Client, url: str = WEB, **body: Any) -> Any:
    return api.put(url, body, JSON)


# --- lists and one -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", [PROJECTS, "/api/0/teams/acme/acme/projects/", f"/api/0/teams/acme/{'{}'}/projects/"])
def test_an_organizations_projects_come_by_slug_and_without_the_organization(
    api: Client, organization: Organization, project: Project, other_organization: Organization, url: str
) -> None:
    services.create_project(organization=other_organization, slug="foreign", name="Foreign")
    first = services.create_project(organization=organization, slug="app", name="App", platform="python")
    shown = api.get(url.format(organization.pk)).json()
    assert all(DATE.fullmatch(one.pop("dateCreated")) for one in shown)
    assert shown == [project_of(first), project_of(project)]


def test_all_projects_come_with_their_organization(
    log_in: Callable[..., Client], superuser: User, project: Project, other_organization: Organization
) -> None:
    services.create_project(organization=other_organization, slug="app", name="App")
    shown = log_in(superuser).get("/api/0/projects/").json()
    assert [(one["organization"]["slug"], one["slug"]) for one in shown] == [("acme", "web"), ("other", "app")]


def test_a_caller_lists_the_projects_of_own_organizations_alone(
    api: Client, log_in: Callable[..., Client], member: User, project: Project, other_organization: Organization
) -> None:
    services.create_project(organization=other_organization, slug="app", name="App")
    for caller in (api, log_in(member)):
        assert [one["slug"] for one in caller.get("/api/0/projects/").json()] == ["web"]


def test_a_project_has_the_fields_that_clients_read(api: Client, project: Project) -> None:
    for url in (WEB, f"/api/0/projects/{project.organization_id}/{project.pk}/"):
        shown = api.get(url).json()
        assert DATE.fullmatch(shown.pop("dateCreated"))
        assert DATE.fullmatch(shown["organization"].pop("dateCreated"))
        assert shown.pop("options") == dict.fromkeys(OPTIONS, "")
        assert shown == {**project_of(project), "organization": organization_of(project.organization)}


def test_another_team_than_the_one_there_is_is_missing(api: Client, organization: Organization) -> None:
    for team in ("else", "0", "ACME", str(organization.pk + 1)):
        for response in (
            api.get(f"/api/0/teams/acme/{team}/projects/"),
            api.post(f"/api/0/teams/acme/{team}/projects/", {"name": "x"}, JSON),
        ):
            assert (response.status_code, response.json()) == (404, MISSING)


# --- create --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", [PROJECTS, "/api/0/teams/acme/acme/projects/"])
def test_a_project_is_created_with_a_first_key(api: Client, organization: Organization, url: str) -> None:
    response = api.post(url, {"name": "My Shop", "platform": "python"}, JSON)
    project = Project.objects.get()
    assert project.keys.count() == 1
    shown = response.json()
    assert (response.status_code, shown["slug"], shown["platform"]) == (201, "my-shop", "python")
    assert api.get("/api/0/projects/acme/my-shop/").json() == shown


@pytest.mark.parametrize(
    ("body", "slug"),
    [
        ({"name": "Été à la_mer!"}, "ete-a-la_mer"),
        ({"name": "  Web  "}, "web"),
        ({"name": "日本", "slug": "jp"}, "jp"),
        ({"name": "1", "slug": "one"}, "one"),
        ({"name": "404"}, "project-404"),
        ({"name": "x" * 50}, "x" * 50),
        ({"name": "x", "slug": "y" * 100}, "y" * 100),
        ({"name": "x", "slug": "-"}, "-"),
        ({"name": "x", "unknown": [1]}, "x"),
    ],
)
def test_a_slug_is_taken_as_given_or_made_of_the_name(
    api: Client, organization: Organization, body: dict[str, Any], slug: str
) -> None:
    response = create(api, **body)
    assert (response.status_code, response.json()["slug"]) == (201, slug)
    assert response.json()["name"] == body["name"].strip()


def test_a_name_that_makes_no_slug_gets_one_that_is_free(api: Client, organization: Organization) -> None:
    slugs = [create(api, name=name).json()["slug"] for name in ("日本", "日本", "!", "🙂")]
    assert len(set(slugs)) == 4
    assert all(re.fullmatch("project-[0-9a-f]{8}", slug) for slug in slugs)


REFUSED: list[tuple[dict[str, Any], dict[str, list[str]]]] = [
    ({}, {"name": ["This field is required."]}),
    ({"name": None}, {"name": ["This field may not be null."]}),
    ({"name": ""}, {"name": ["This field may not be blank."]}),
    ({"name": " \u3000"}, {"name": ["This field may not be blank."]}),
    ({"name": "x" * 51}, {"name": ["Ensure this field has no more than 50 characters."]}),
    ({"name": 5}, {"name": ["Must be a text."]}),
    ({"name": True}, {"name": ["Must be a text."]}),
    ({"name": ["x"]}, {"name": ["Must be a text."]}),
    ({"name": "a\nb"}, {"name": [CONTROL]}),
    ({"name": "a\x85b"}, {"name": [CONTROL]}),
    ({"name": "x", "slug": "A b"}, SLUG),
    ({"name": "x", "slug": "12"}, SLUG),
    ({"name": "x", "slug": " x"}, SLUG),
    ({"name": "x", "slug": "x\n"}, SLUG),
    ({"name": "x", "slug": "é"}, SLUG),
    ({"name": "x", "slug": "x" * 101}, SLUG),
    ({"name": "x", "slug": ""}, {"slug": ["This field may not be blank."]}),
    ({"name": "x", "slug": 12}, {"slug": ["Must be a text."]}),
    ({"name": "x", "platform": "p" * 51}, {"platform": ["Ensure this field has no more than 50 characters."]}),
    ({"name": "x", "platform": 1}, {"platform": ["Must be a text."]}),
]


@pytest.mark.parametrize(("body", "errors"), REFUSED, ids=lambda value: ascii(value)[:50])
def test_what_cannot_be_is_refused_by_field(
    api: Client, organization: Organization, body: dict[str, Any], errors: dict[str, list[str]]
) -> None:
    response = create(api, **body)
    assert (response.status_code, response.json()) == (400, errors)
    assert not Project.objects.exists()


def test_a_nul_is_refused(api: Client, organization: Organization) -> None:
    assert create(api, name="a\0").status_code == create(api, name="x", platform="\0").status_code == 400


@pytest.mark.parametrize("body", [{"name": "Web"}, {"name": "Other", "slug": "web"}])
def test_a_slug_that_is_taken_is_a_conflict(api: Client, project: Project, body: dict[str, Any]) -> None:
    response = create(api, **body)
    assert (response.status_code, response.json()) == (409, TAKEN)
    assert Project.objects.count() == 1


def test_another_organizations_slug_is_free(
    api: Client, organization: Organization, other_organization: Organization
) -> None:
    services.create_project(organization=other_organization, slug="web", name="Web")
    assert create(api, name="Web").status_code == 201


def test_a_slug_that_is_taken_at_the_same_moment_is_a_conflict_too(
    api: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another request takes the slug after this one saw that it was free."""
    create(api, name="Shop")
    monkeypatch.setattr(Project, "full_clean", lambda project: None)
    for response in (create(api, name="Web"), change(api, slug="shop")):
        assert (response.status_code, response.json()) == (409, TAKEN)


def test_a_slug_that_was_taken_and_is_free_again_at_the_same_moment_is_a_conflict_too(
    api: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other project is deleted before it could be looked up."""

    def refuse(project: Project) -> None:
        raise ValidationError("Project with this Organization and Slug already exists.")

    monkeypatch.setattr(Project, "full_clean", refuse)
    for response in (create(api, name="Shop"), change(api, slug="shop")):
        assert (response.status_code, response.json()) == (409, TAKEN)


def test_an_organization_that_is_deleted_at_the_same_moment_is_missing(
    api: Client, organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "create_project", lambda **_: Organization.objects.get(pk=organization.pk + 1))
    response = create(api, name="Web")
    assert (response.status_code, response.json()) == (404, MISSING)


# --- change --------------------------------------------------------------------------------------------------


def test_a_change_leaves_alone_what_it_does_not_name(api: Client, project: Project) -> None:
    for body in ({"name": "Site"}, {"platform": "go"}, {"slug": "site"}, {}):
        project.refresh_from_db()
        before = project_of(project)
        response = change(api, f"/api/0/projects/acme/{project.slug}/", **body)
        shown = response.json()
        assert response.status_code == 200
        wanted = {**before, **body}
        assert {name: shown[name] for name in ("name", "slug", "platform")} == {
            name: wanted[name] for name in ("name", "slug", "platform")
        }


@pytest.mark.parametrize("platform", [None, ""])
def test_a_platform_can_be_taken_back(api: Client, project: Project, platform: str | None) -> None:
    change(api, platform="go")
    assert change(api, platform=platform).json()["platform"] is None


def test_what_was_read_can_be_sent_back(api: Client, project: Project) -> None:
    shown = api.get(WEB).json()
    response = api.put(WEB, {**shown, "id": "77", "status": "gone", "name": "Site"}, JSON)
    assert (response.status_code, response.json()) == (200, {**shown, "name": "Site"})


@pytest.mark.parametrize(
    ("field", "nothing", "something"),
    [
        ("isBookmarked", [False], True),
        ("resolveAge", [0, None], 720),
        ("digestsMinDelay", [0, None], 300),
        ("digestsMaxDelay", [0, None], 1800),
        ("subjectPrefix", ["", None], "[web]"),
        ("fingerprintingRules", ["", None], "error.type:A -> a"),
        ("groupingEnhancements", ["", None], "function:a +app"),
        ("allowedDomains", [[], ["*"]], ["example.com"]),
        ("securityToken", ["", None], "secret"),
        ("highlightTags", [[]], ["release"]),
        ("highlightContext", [{}], {"user": ["id"]}),
    ],
)
def test_what_is_not_done_here_is_refused_unless_nothing_is_asked_for(
    api: Client, project: Project, field: str, nothing: list[Any], something: Any
) -> None:
    for value in nothing:
        assert change(api, **{field: value}).status_code == 200, value
    for response in (change(api, name="New", **{field: something}), create(api, name="New", **{field: something})):
        (message,) = response.json()[field]
        assert response.status_code == 400
        assert message.endswith("here. Leave the field out.")
    assert [one.name for one in Project.objects.all()] == ["Web"]


def test_what_terraform_sends_makes_and_changes_a_project(api: Client, organization: Organization) -> None:
    url, body = "/api/0/teams/acme/acme/projects/", {"name": "Shop", "platform": "go", "default_rules": False}
    assert api.post(url, body, JSON).status_code == 201
    more = {"name": "Shop", "slug": "shop", "options": {"filters:releases": "1.*"}}
    assert change(api, "/api/0/projects/acme/shop/", **more).status_code == 200


@pytest.mark.parametrize(
    ("body", "errors"),
    [case for case in REFUSED if case[0]],
    ids=lambda value: ascii(value)[:50],
)
def test_a_change_to_what_cannot_be_is_refused_by_field(
    api: Client, project: Project, body: dict[str, Any], errors: dict[str, list[str]]
) -> None:
    before = api.get(WEB).json()
    response = change(api, **body)
    assert (response.status_code, response.json()) == (400, errors)
    assert api.get(WEB).json() == before


def test_a_change_to_a_slug_that_is_taken_is_a_conflict_and_changes_nothing(api: Client, project: Project) -> None:
    create(api, name="Shop")
    response = change(api, slug="shop", name="Other")
    assert (response.status_code, response.json()) == (409, TAKEN)
    assert api.get(WEB).json()["name"] == "Web"


def test_two_changes_at_once_keep_both(api: Client, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another request changes the name after this one found the project."""
    original = services.changing_project

    def meddle(number: int) -> Any:
        monkeypatch.undo()
        change(api, name="Site")
        return original(number)

    monkeypatch.setattr(services, "changing_project", meddle)
    assert change(api, slug="site").json()["name"] == "Site"
    assert api.get("/api/0/projects/acme/site/").json()["name"] == "Site"


def test_a_change_of_a_project_that_is_deleted_meanwhile_is_404_and_brings_nothing_back(
    api: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = services.changing_project

    def meddle(number: int) -> Any:
        services.delete_project(project=project)
        return original(number)

    monkeypatch.setattr(services, "changing_project", meddle)
    response = change(api, name="Site")
    assert (response.status_code, response.json()) == (404, MISSING)
    assert not Project.objects.exists()


# --- rename, delete, create again ----------------------------------------------------------------------------


def test_a_renamed_project_is_found_under_its_old_slug_until_that_is_taken(api: Client, project: Project) -> None:
    changed = change(api, slug="shop", name="Shop")
    assert (changed.status_code, changed.json()["slug"]) == (200, "shop")
    moved = api.get(WEB)
    assert (moved.status_code, moved["Location"]) == (302, "/api/0/projects/acme/shop/")

    create(api, name="New", slug="web")
    assert api.get(WEB).json()["name"] == "New"
    assert api.get("/api/0/projects/acme/shop/").json()["name"] == "Shop"


def test_a_rename_to_where_an_old_slug_led_takes_it(api: Client, project: Project) -> None:
    change(api, slug="shop")
    other = create(api, name="Other").json()
    assert change(api, "/api/0/projects/acme/other/", slug="web").status_code == 200
    assert api.get(WEB).json()["id"] == other["id"]
    assert api.get("/api/0/projects/acme/other/")["Location"] == WEB


def test_a_write_to_an_old_slug_changes_nothing(api: Client, project: Project) -> None:
    change(api, slug="shop")
    for response in (change(api, name="X"), api.delete(WEB), api.post(f"{WEB}keys/", {}, JSON)):
        assert response.status_code == 308
    assert api.get("/api/0/projects/acme/shop/").json()["name"] == "Web"
    assert project.keys.count() == 1


def test_counts_stay_with_a_renamed_project(api: Client, project: Project) -> None:
    api.post(f"{WEB}outcomes/", {"outcomes": [{"outcome": "accepted", "quantity": 7}]}, JSON)
    change(api, slug="shop")
    assert sum(count for _, count in api.get("/api/0/projects/acme/shop/stats/").json()) == 7


def test_a_deleted_project_starts_again_from_zero(api: Client, project: Project, store: Store) -> None:
    api.post(f"{WEB}outcomes/", {"outcomes": [{"outcome": "accepted", "environment": "e"}]}, JSON)
    response = api.delete(WEB)

    assert (response.status_code, response.content) == (204, b"")
    assert "Content-Type" not in response
    assert list(store.clients.read.scan_iter("ts:*")) == []
    for again in (api.get(WEB), api.delete(WEB), api.get(f"{WEB}stats/"), change(api, name="X")):
        assert (again.status_code, again.json()) == (404, MISSING)
    assert create(api, name="Web").status_code == 201
    assert sum(count for _, count in api.get(f"{WEB}stats/").json()) == 0
    assert api.get(f"{WEB}stats/", {"stat": "generated", "environment": "e"}).status_code == 404


def test_a_project_that_another_request_deletes_first_is_missing(
    api: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = services.delete_project

    def twice(*, project: Project) -> int:
        original(project=project)
        return original(project=project)

    monkeypatch.setattr(services, "delete_project", twice)
    assert api.delete(WEB).status_code == 404
