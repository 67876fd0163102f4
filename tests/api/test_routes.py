"""What holds for every route of the API and each method: who may ask, HEAD, OPTIONS, redirects of old slugs.

One table has all routes. A route that is not in it fails a test.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern

from projects import services
from projects.models import SCOPES, Budget, Membership, Organization, Project
from projects.selectors import SCOPES_OF
from statsapi.api.urls import urlpatterns

pytestmark = pytest.mark.django_db

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
PROJECT = ("project:read", "project:write", "project:admin")
ORGANIZATION = ("org:read", "org:write", "org:admin")
LEVEL = {"GET": 0, "HEAD": 0, "POST": 1, "PUT": 1, "PATCH": 1, "DELETE": 2}
NEEDS_QUERY = 400
NEEDS_BODY = 400


class Route(NamedTuple):
    """A route.

    `path` names objects that exist; `answers` are the statuses by method for an allowed caller that sends `{}`.
    """

    path: str
    scopes: tuple[str, ...]
    answers: dict[str, int]
    reading: tuple[str, ...] = ()
    """Scopes that are enough to read, if they are not the usual ones."""

    def needed(self, method: str) -> set[str]:
        if self.path.endswith("/merge/"):
            return {"project:admin"}
        if LEVEL[method] == 0 and self.reading:
            return set(self.reading)
        return {scope for scope in self.scopes if SCOPES.index(scope) % 3 >= LEVEL[method]}

    def answer(self, method: str) -> int:
        return self.answers.get("GET" if method == "HEAD" else method, 405)

    def url(self, key: str = "0" * 32, project: str = "web") -> str:
        path = self.path.replace("KEY", key).replace("/web/", f"/{project}/")
        if "MEMBER" in path:
            path = path.replace("MEMBER", str(Membership.objects.filter(organization__slug="acme").earliest("pk").pk))
        if "BUDGET" in path:
            budget = Budget.objects.filter(project__organization__slug="acme").first()
            path = path.replace("BUDGET", str(budget.pk if budget else 1))
        return "/api/0/" + path


ROUTES = [
    Route("", ORGANIZATION, {"GET": 200}, SCOPES),
    Route("auth/", SCOPES, {"GET": 200}),
    Route("users/me/", SCOPES, {"GET": 200}),
    Route("organizations/", ORGANIZATION, {"GET": 200}),
    Route("organizations/acme/", ORGANIZATION, {"GET": 200}),
    Route("organizations/acme/stats/", ORGANIZATION, {"GET": 200}),
    Route("organizations/acme/stats_v2/", ORGANIZATION, {"GET": NEEDS_QUERY}),
    Route("organizations/acme/stats-summary/", ORGANIZATION, {"GET": NEEDS_QUERY}),
    Route("organizations/acme/teams/", PROJECT + ORGANIZATION, {"GET": 200}),
    Route("organizations/acme/environments/", ORGANIZATION, {"GET": 200}),
    Route("organizations/acme/project-keys/", ORGANIZATION, {"GET": 200}),
    Route("organizations/acme/members/", ORGANIZATION, {"GET": 200}),
    Route("organizations/acme/members/MEMBER/", ORGANIZATION, {"GET": 200}),
    Route("organizations/acme/projects/", PROJECT, {"GET": 200, "POST": NEEDS_BODY}, PROJECT + ORGANIZATION),
    Route("teams/acme/acme/", PROJECT + ORGANIZATION, {"GET": 200}),
    Route("teams/acme/acme/stats/", ORGANIZATION, {"GET": 200}),
    Route("teams/acme/acme/projects/", PROJECT, {"GET": 200, "POST": NEEDS_BODY}, PROJECT + ORGANIZATION),
    Route("projects/", PROJECT, {"GET": 200}),
    Route("projects/acme/web/", PROJECT, {"GET": 200, "PUT": 200, "DELETE": 204}),
    Route("projects/acme/web/environments/", PROJECT, {"GET": 200}),
    Route("projects/acme/web/filters/", PROJECT, {"GET": 200}),
    Route("projects/acme/web/filters/localhost/", PROJECT, {"PUT": NEEDS_BODY}),
    Route("projects/acme/web/merge/", PROJECT, {"POST": NEEDS_BODY}),
    Route("projects/acme/web/keys/", PROJECT, {"GET": 200, "POST": 201}),
    Route("projects/acme/web/keys/KEY/", PROJECT, {"GET": 200, "PUT": 200, "DELETE": 204}),
    Route("projects/acme/web/keys/KEY/stats/", PROJECT, {"GET": 200}),
    Route("projects/acme/web/budgets/", PROJECT, {"GET": 200, "POST": NEEDS_BODY}),
    Route("projects/acme/web/budgets/BUDGET/", PROJECT, {"GET": 200, "PUT": 200, "DELETE": 204}),
    Route("projects/acme/web/stats/", PROJECT, {"GET": 200}),
    Route("projects/acme/web/outcomes/", PROJECT, {"POST": NEEDS_BODY}),
]
NAMES_NO_PROJECT = {
    "",
    "auth/",
    "users/me/",
    "organizations/",
    "organizations/acme/teams/",
    "organizations/acme/environments/",
    "organizations/acme/project-keys/",
    "organizations/acme/members/",
    "organizations/acme/members/MEMBER/",
    "teams/acme/acme/",
}
READABLE = [route for route in ROUTES if "GET" in route.answers]
OF_PROJECTS = [(route, method) for route in ROUTES if "/web/" in route.path for method in route.answers]


def identify(part: Route | str) -> str:
    return part.path or "root" if isinstance(part, Route) else part


def ask(client: Client, method: str, url: str, **headers: str) -> int:
    return client.generic(method, url, "{}", "application/json", headers=headers).status_code


@pytest.fixture(autouse=True)
def somebody(owner: User) -> None:
    """See that the organization has a member."""


@pytest.fixture
def key(project: Project) -> str:
    """Return the public half of the project's key. The project has a budget too."""
    services.create_budget(project, category="error", limit=1000, window=300)
    return project.keys.get().public


def test_the_table_names_every_route() -> None:
    names = {
        "acme": "organization_slug",
        "web": "project_slug",
        "KEY": "public_key",
        "MEMBER": "member_id",
        "BUDGET": "budget_id",
        "localhost": "filter_id",
    }
    described = {
        re.sub("acme|web|KEY|MEMBER|BUDGET|localhost", lambda found: names[found[0]], route.path) for route in ROUTES
    }
    routed = {
        re.sub(r"<(?:str|slug):(\w+)>", lambda found: found[1].replace("team", "organization"), str(pattern.pattern))
        for pattern in urlpatterns
        if isinstance(pattern, URLPattern)
    }
    assert described == routed


@pytest.mark.parametrize("route", ROUTES, ids=identify)
def test_options_tells_the_methods_and_asks_for_no_credentials(client: Client, route: Route) -> None:
    response = client.options(route.url())
    assert (response.status_code, response.content) == (200, b"")
    allowed = set(response["Allow"].split(", "))
    assert allowed == {*route.answers, *(("HEAD",) if "GET" in route.answers else ()), "OPTIONS"}


@pytest.mark.parametrize("route", ROUTES, ids=identify)
def test_nobody_is_let_in_without_credentials(client: Client, project: Project, route: Route) -> None:
    for method in METHODS:
        wanted = 200 if route.path == "" and LEVEL[method] == 0 else 401
        assert ask(client, method, route.url()) == wanted, method
        assert ask(client, method, route.url(), authorization="Bearer sta_unknown") == 401, method


@pytest.mark.parametrize("route", ROUTES, ids=identify)
def test_each_scope_opens_what_it_should_and_the_method_is_looked_at_after_it(
    make_api: Callable[..., Client], project: Project, route: Route
) -> None:
    for scope in SCOPES:
        caller = make_api(scope)
        for method in METHODS:
            status = ask(caller, method, route.url(project="missing"))
            if scope not in route.needed(method):
                assert status == 403, (scope, method)
            elif route.answer(method) == 405:
                assert status == 405, (scope, method)
            else:
                assert status == (404 if "/web/" in route.path else route.answer(method)), (scope, method)


@pytest.mark.parametrize("route", ROUTES, ids=identify)
def test_a_token_that_is_none_any_more_or_stands_elsewhere_opens_nothing(
    client: Client, organization: Organization, key: str, route: Route
) -> None:
    expired = services.create_token(organization=organization, scopes=SCOPES, expires=datetime.now(UTC)).secret
    token, revoked = services.create_token(organization=organization, scopes=SCOPES)
    good = services.create_token(organization=organization, scopes=SCOPES).secret
    assert ask(client, "GET", "/api/0/", authorization=f"Bearer {revoked}") == 200
    services.revoke_tokens([token])
    url = route.url(key)
    for method in METHODS:
        assert ask(client, method, url, authorization=f"Bearer {expired}") == 401, method
        assert ask(client, method, url, authorization=f"Bearer {revoked}") == 401, method
        anonymous = ask(client, method, url)
        for name in ("token", "access_token", "authorization"):
            assert ask(client, method, f"{url}?{name}={good}") == anonymous, method
    assert ask(client, "GET", "/api/0/projects/acme/web/", authorization=f"Bearer {good}") == 200  # nothing was deleted


@pytest.mark.parametrize(("route", "method"), OF_PROJECTS, ids=identify)
def test_a_deleted_project_is_missing_under_each_of_its_names(
    api: Client, renamed_project: Project, route: Route, method: str
) -> None:
    key, names = renamed_project.keys.get().public, ("web", "old", str(renamed_project.pk))
    for name in names:
        ask(api, "GET", f"/api/0/projects/acme/{name}/stats/")  # so that the cache holds it
    services.delete_project(project=renamed_project)
    missing = api.generic(method, route.url(key, project="never-was"), "{}", "application/json")
    for name in names:
        response = api.generic(method, route.url(key, project=name), "{}", "application/json")
        assert (response.status_code, response.content) == (404, missing.content), name


@pytest.mark.parametrize("route", [route for route in READABLE if "/web/" not in route.path], ids=identify)
def test_no_list_or_sum_shows_a_deleted_project(api: Client, project: Project, route: Route) -> None:
    rows = {"outcomes": [{"outcome": "accepted", "quantity": 718_281}]}
    api.post("/api/0/projects/acme/web/outcomes/", rows, "application/json")
    queries = ("", "?group=project", "?statsPeriod=1d&field=sum(quantity)&category=error&groupBy=project")

    def shows_it() -> bool:
        contents = [api.get(route.url() + query).content for query in queries]
        return any(b"718281" in content or b'"web"' in content for content in contents)

    assert shows_it() or route.path in NAMES_NO_PROJECT
    services.delete_project(project=project)
    assert not shows_it()


@pytest.mark.parametrize("who", ["owner", "member", "viewer", "superuser", "outsider", "newcomer"])
@pytest.mark.parametrize("route", ROUTES, ids=identify)
def test_a_users_role_decides(
    request: pytest.FixtureRequest, log_in: Callable[..., Client], key: str, who: str, route: Route
) -> None:
    user = User.objects.create_user("newcomer") if who == "newcomer" else request.getfixturevalue(who)
    browser = log_in(user)
    for method in METHODS:  # DELETE comes last
        status = ask(browser, method, route.url(key))
        if route.answer(method) == 405 or "acme" not in route.path:
            assert status == route.answer(method), method
        elif who in ("outsider", "newcomer"):
            assert status == 404, method
        elif who in ("member", "viewer") and not route.needed(method) & SCOPES_OF[Membership.Role(who)]:
            assert status == 403, method
        else:
            assert status == route.answer(method), method


@pytest.mark.parametrize("route", READABLE, ids=identify)
@pytest.mark.parametrize("query", ["", "?format=csv", "?per_page=0", "?field=sum(quantity)&category=error&download=1"])
def test_head_is_get_without_the_body(api: Client, key: str, route: Route, query: str) -> None:
    with time_machine.travel(1_541_455_200, tick=False):
        got = api.get(route.url(key) + query)
        head = api.head(route.url(key) + query)
    assert (head.status_code, dict(head.items())) == (got.status_code, dict(got.items()))
    assert b"".join(head) == b""
    assert b"".join(got) != b""


@pytest.mark.parametrize(("route", "method"), OF_PROJECTS, ids=identify)
def test_a_renamed_project_leads_on_with_the_rest_of_the_path_and_the_query(
    api: Client, renamed_project: Project, route: Route, method: str
) -> None:
    query = "?since=1&since=2&x=%26%C3%A9&until="
    for organization in ("acme", str(renamed_project.organization_id)):
        url = route.url(project="old").replace("/acme/", f"/{organization}/")
        response = api.generic(method, url + query, "{}", "application/json")
        new = route.url().replace("/acme/", f"/{organization}/") + query
        assert (response.status_code, response["Location"]) == (302 if method == "GET" else 308, new)


@pytest.mark.parametrize("route", ROUTES, ids=identify)
def test_numbers_stand_for_names(api: Client, organization: Organization, key: str, route: Route) -> None:
    url = route.url(key, project=str(organization.projects.get().pk)).replace("/acme/", f"/{organization.pk}/")
    for method in set(route.answers) - {"DELETE"}:
        assert ask(api, method, url) == route.answer(method), method
