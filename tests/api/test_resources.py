"""Organizations, teams, projects and keys: lists, objects, and what a script may change."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from projects import services
from projects.models import Organization, Project, ProjectKey
from tsdb.store import Store

JSON = "application/json"
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def links(response: Any) -> dict[str, tuple[str, str, str]]:
    """rel -> (URL, results, cursor)."""
    found = re.findall(r'<([^>]+)>; rel="(\w+)"; results="(\w+)"; cursor="([\d:]+)"', response["Link"])
    return {relation: (url, results, cursor) for url, relation, results, cursor in found}


def test_the_root_tells_who_is_asking(api: Client, client: Client, owner: User) -> None:
    assert client.get("/api/0/").json() == {"version": "0", "auth": None, "user": None}
    asked = api.get("/api/0/").json()
    assert asked["user"] is None
    assert "project:read" in asked["auth"]["scopes"]
    client.force_login(owner)
    assert client.get("/api/0/").json()["user"] == {"id": str(owner.pk), "email": "", "name": "owner"}


def test_the_root_refuses_a_bad_token(client: Client, db: None) -> None:
    response = client.get("/api/0/", headers={"authorization": "Bearer sta_no"})
    assert (response.status_code, response.json()) == (401, {"detail": "Invalid token"})


def test_organizations_are_those_of_the_caller(api: Client, project: Project, other_organization: Organization) -> None:
    (shown,) = api.get("/api/0/organizations/").json()

    assert DATE.fullmatch(shown.pop("dateCreated"))
    assert shown == {
        "id": str(project.organization_id),
        "slug": "acme",
        "name": "Acme",
        "status": {"id": "active", "name": "active"},
        "avatar": {"avatarType": "letter_avatar", "avatarUuid": None},
        "isEarlyAdopter": False,
        "require2FA": False,
        "features": [],
        "links": {"organizationUrl": "http://127.0.0.1:8000", "regionUrl": "http://127.0.0.1:8000"},
    }
    assert api.get("/api/0/organizations/acme/").json()["slug"] == "acme"
    assert api.get("/api/0/organizations/other/").status_code == 404


def test_a_project_has_the_fields_that_clients_read(api: Client, project: Project) -> None:
    team = {"id": str(project.organization_id), "slug": "acme", "name": "Acme"}
    (shown,) = api.get("/api/0/organizations/acme/projects/").json()

    assert DATE.fullmatch(shown.pop("dateCreated"))
    assert shown == {
        "id": str(project.pk),
        "slug": "web",
        "name": "Web",
        "platform": None,
        "isBookmarked": False,
        "isMember": True,
        "hasAccess": True,
        "features": [],
        "firstEvent": None,
        "status": "active",
        "team": team,
        "teams": [team],
        "platforms": [],
    }
    assert api.get("/api/0/projects/").json()[0]["organization"]["slug"] == "acme"
    assert api.get("/api/0/projects/acme/web/").json()["organization"]["slug"] == "acme"


def test_a_list_comes_in_pages(api: Client, organization: Organization) -> None:
    for number in range(5):
        services.create_project(organization=organization, slug=f"p{number}", name=f"P{number}")
    url = "/api/0/organizations/acme/projects/?per_page=2&x=y"
    seen = []
    while url:
        response = api.get(url)
        seen += [row["slug"] for row in response.json()]
        assert set(links(response)) == {"previous", "next"}
        following, results, _ = links(response)["next"]
        url = following if results == "true" else ""

    assert seen == ["p0", "p1", "p2", "p3", "p4"]
    first = links(api.get("/api/0/organizations/acme/projects/?per_page=2&x=y"))
    assert first["previous"] == (
        "http://testserver/api/0/organizations/acme/projects/?per_page=2&x=y&cursor=0:0:1",
        "false",
        "0:0:1",
    )
    assert first["next"][1:] == ("true", "0:2:0")
    assert links(response)["previous"][1:] == ("true", "0:2:1")


@pytest.mark.parametrize("per_page", ["0", "101", "x", "-1", "1.5"])
def test_a_page_has_one_to_a_hundred_rows(api: Client, project: Project, per_page: str) -> None:
    response = api.get("/api/0/projects/", {"per_page": per_page})
    detail = {"detail": "Invalid per_page value. Must be between 1 and 100."}
    assert (response.status_code, response.json()) == (400, detail)


@pytest.mark.parametrize("cursor", ["x", "0", "0:1", "0:1:2", "0:-1:0", "0:99999999999:0", "1:2:0:0"])
def test_a_cursor_that_is_none_is_refused(api: Client, project: Project, cursor: str) -> None:
    response = api.get("/api/0/projects/", {"cursor": cursor})
    assert (response.status_code, response.json()) == (400, {"detail": "Invalid cursor parameter."})


@pytest.mark.parametrize("url", ["/api/0/organizations/acme/projects/", "/api/0/teams/acme/acme/projects/"])
def test_a_project_is_created_with_a_first_key(api: Client, organization: Organization, url: str) -> None:
    response = api.post(url, {"name": "My Shop", "platform": "python"}, content_type=JSON)

    assert response.status_code == 201
    assert (response.json()["slug"], response.json()["platform"]) == ("my-shop", "python")
    assert Project.objects.get().keys.count() == 1


def test_a_slug_that_is_taken_is_a_conflict(api: Client, project: Project) -> None:
    response = api.post("/api/0/organizations/acme/projects/", {"name": "Web"}, content_type=JSON)
    assert (response.status_code, response.json()) == (
        409,
        {"detail": "A project with this slug already exists."},
    )


@pytest.mark.parametrize(
    "body", [{}, {"name": ""}, {"name": "x" * 51}, {"name": "x", "slug": "A b"}, {"name": "x", "slug": "12"}]
)
def test_a_project_that_cannot_be_is_refused_by_field(api: Client, organization: Organization, body: Any) -> None:
    response = api.post("/api/0/organizations/acme/projects/", body, content_type=JSON)
    assert response.status_code == 400
    assert all(isinstance(messages, list) for messages in response.json().values())


def test_a_renamed_project_is_found_under_its_old_slug_until_that_is_taken(api: Client, project: Project) -> None:
    changed = api.put("/api/0/projects/acme/web/", {"slug": "shop", "name": "Shop"}, content_type=JSON)
    assert (changed.status_code, changed.json()["slug"]) == (200, "shop")
    moved = api.get("/api/0/projects/acme/web/")
    assert (moved.status_code, moved["Location"]) == (302, "/api/0/projects/acme/shop/")

    api.post("/api/0/organizations/acme/projects/", {"name": "New", "slug": "web"}, content_type=JSON)
    assert api.get("/api/0/projects/acme/web/").json()["name"] == "New"


def test_a_deleted_project_starts_again_from_zero(api: Client, project: Project, store: Store) -> None:
    api.post("/api/0/projects/acme/web/outcomes/", {"outcomes": [{"outcome": "accepted"}]}, content_type=JSON)
    response = api.delete("/api/0/projects/acme/web/")

    assert (response.status_code, response.content) == (204, b"")
    assert list(store.clients.read.scan_iter("ts:*")) == []
    assert api.get("/api/0/projects/acme/web/").status_code == 404
    api.post("/api/0/organizations/acme/projects/", {"name": "Web"}, content_type=JSON)
    assert sum(count for _, count in api.get("/api/0/projects/acme/web/stats/").json()) == 0


def test_deleting_needs_the_admin_scope(make_api: Callable[..., Client], project: Project) -> None:
    writer = make_api("project:write")
    assert writer.put("/api/0/projects/acme/web/", {"name": "W"}, content_type=JSON).status_code == 200
    assert writer.delete("/api/0/projects/acme/web/").status_code == 403


def test_a_key_has_the_fields_that_clients_read(api: Client, project: Project) -> None:
    key = project.keys.get()
    (shown,) = api.get("/api/0/projects/acme/web/keys/").json()

    assert DATE.fullmatch(shown.pop("dateCreated"))
    assert shown == {
        "id": key.public,
        "name": "Default",
        "label": "Default",
        "public": key.public,
        "secret": key.secret,
        "projectId": project.pk,
        "isActive": True,
        "rateLimit": None,
        "dsn": {
            "public": f"http://{key.public}@127.0.0.1:8000/{project.pk}",
            "secret": f"http://{key.public}:{key.secret}@127.0.0.1:8000/{project.pk}",
            "csp": f"http://127.0.0.1:8000/api/{project.pk}/csp-report/?sentry_key={key.public}",
            "security": f"http://127.0.0.1:8000/api/{project.pk}/security/?sentry_key={key.public}",
        },
    }


def test_a_key_may_be_made_of_an_empty_body(api: Client, project: Project) -> None:
    response = api.post("/api/0/projects/acme/web/keys/", "", content_type=JSON)
    assert response.status_code == 201
    assert re.fullmatch("[0-9a-f]{32}", response.json()["public"])


def test_a_key_is_made_and_changed_as_asked(api: Client, project: Project) -> None:
    body = {"name": "Mobile", "rateLimit": {"count": 10, "window": 60}, "public": "a" * 32, "secret": "b" * 32}
    made = api.post("/api/0/projects/acme/web/keys/", body, content_type=JSON).json()
    assert (made["name"], made["rateLimit"], made["public"]) == ("Mobile", {"count": 10, "window": 60}, "a" * 32)

    url = f"/api/0/projects/acme/web/keys/{made['public']}/"
    changed = api.put(url, {"isActive": False, "rateLimit": None}, content_type=JSON).json()
    assert (changed["isActive"], changed["rateLimit"], changed["name"]) == (False, None, "Mobile")
    assert api.get(url).json() == changed
    assert api.delete(url).status_code == 204
    assert api.get(url).status_code == 404


def test_a_public_key_is_one_projects_alone(api: Client, project: Project, organization: Organization) -> None:
    other = services.create_project(organization=organization, slug="other", name="Other")
    public = other.keys.get().public
    assert api.get(f"/api/0/projects/acme/web/keys/{public}/").status_code == 404
    response = api.post("/api/0/projects/acme/web/keys/", {"public": public}, content_type=JSON)
    assert (response.status_code, response.json()) == (400, {"public": ["This public key is in use."]})


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x" * 65},
        {"rateLimit": {"count": -1, "window": 60}},
        {"rateLimit": {"count": 1, "window": 86401}},
        {"rateLimit": 5},
        {"public": "xyz"},
        {"isActive": "perhaps"},
    ],
)
def test_a_key_that_cannot_be_is_refused_by_field(api: Client, project: Project, body: dict[str, Any]) -> None:
    response = api.post("/api/0/projects/acme/web/keys/", body, content_type=JSON)
    assert (response.status_code, set(response.json())) == (400, set(body))


def test_every_organization_has_one_team(api: Client, organization: Organization) -> None:
    (team,) = api.get("/api/0/organizations/acme/teams/").json()
    assert (team["slug"], team["id"]) == ("acme", str(organization.pk))
    response = api.post("/api/0/teams/acme/else/projects/", {"name": "x"}, content_type=JSON)
    assert response.status_code == 404


def count_some(api: Client, slug: str, key: ProjectKey) -> None:
    rows = [
        {"outcome": "accepted", "quantity": 5, "environment": "production", "key": key.public},
        {"outcome": "filtered", "quantity": 2, "reason": "localhost"},
        {"outcome": "accepted", "category": "transaction", "quantity": 3},
    ]
    response = api.post(f"/api/0/projects/acme/{slug}/outcomes/", {"outcomes": rows}, content_type=JSON)
    assert response.status_code == 201


def read(api: Client, slug: str, **query: str) -> int:
    return sum(count for _, count in api.get(f"/api/0/projects/acme/{slug}/stats/", query).json())


def test_a_merge_moves_every_count_and_loses_none(api: Client, project: Project, organization: Organization) -> None:
    target = services.create_project(organization=organization, slug="shop", name="Shop")
    count_some(api, "web", project.keys.get())
    count_some(api, "shop", target.keys.get())
    for _ in range(2):  # again changes nothing
        response = api.post("/api/0/projects/acme/web/merge/", {"into": "shop"}, content_type=JSON)
        assert response.status_code == 200

    assert read(api, "web") == 0
    for resolution in ("10s", "1h", "1d"):
        assert read(api, "shop", resolution=resolution) == 14
    assert read(api, "shop", stat="localhost") == 4
    assert read(api, "shop", stat="generated", environment="production") == 10


@pytest.mark.parametrize("body", [{}, {"into": 5}, {"into": "nowhere"}, {"into": "web"}, []])
def test_a_merge_into_nothing_is_refused(api: Client, project: Project, body: Any) -> None:
    assert api.post("/api/0/projects/acme/web/merge/", body, content_type=JSON).status_code == 400


def test_merging_needs_the_admin_scope(make_api: Callable[..., Client], project: Project) -> None:
    response = make_api("project:write").post("/api/0/projects/acme/web/merge/", {"into": "x"}, content_type=JSON)
    assert response.status_code == 403
