"""Changing, renaming and deleting projects."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from projects import services
from projects.models import Organization, Project
from tests.api.looks import project_of
from tests.api.resources.project_bodies import JSON, MISSING, REFUSED, TAKEN, WEB, change, create
from tsdb.store import Store

pytestmark = pytest.mark.django_db


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
