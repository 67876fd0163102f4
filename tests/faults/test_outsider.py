"""A user and a token of another organization, on every route of the API, reading and writing.

The routes come from the URL configuration, so a new route is tested as soon as it is added.
See docs/reliability.md#outsiders.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from projects import services
from projects.models import Organization, Project
from tests.faults.asking import shape
from tsdb import series
from tsdb.outcomes import Category, Outcome
from tsdb.store import Increment, Store

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
COUNTED = 718_281_828
NO_OBJECT = b'{"detail": "The requested resource does not exist"}'


class Route(NamedTuple):
    name: str
    parameters: frozenset[str]


def routes(resolver: URLResolver, prefix: str = "", parameters: frozenset[str] = frozenset()) -> Iterator[Route]:
    for pattern in resolver.url_patterns:
        path = prefix + str(pattern.pattern)
        known = parameters | pattern.pattern.converters.keys()
        if isinstance(pattern, URLResolver):
            yield from routes(pattern, path, known)
        elif path.startswith("api/0/"):
            assert isinstance(pattern, URLPattern)
            assert pattern.name, f"{path} has no name"
            yield Route(pattern.name, known)


ROUTES = sorted(routes(get_resolver()), key=lambda route: route.name)
OF_AN_ORGANIZATION = [route for route in ROUTES if route.parameters]
OF_NOBODY = [route for route in ROUTES if not route.parameters]
NOBODYS = {"filter_id"}
"""Parameters that name what every project has."""


class Cast(NamedTuple):
    """Parameters of a route: of another organization by slug, by id and by an earlier slug, and the outsider's own."""

    foreign: dict[str, str]
    foreign_ids: dict[str, str]
    renamed: dict[str, str]
    own: dict[str, str]


MISSING = {
    "organization_slug": "missing",
    "project_slug": "missing",
    "public_key": "f" * 32,
    "team_slug": "missing",
    "member_id": "999999",
    "filter_id": "missing",
    "budget_id": "999999",
}


@pytest.fixture
def cast(
    organization: Organization,
    project: Project,
    owner: User,
    other_organization: Organization,
    outsider: User,
    store: Store,
) -> Cast:
    mine = services.create_project(organization=other_organization, slug="mine", name="Mine")
    project.slug = "web2"
    services.update_project(project=project)
    now = int(time.time())
    event = series.of_event(project.pk, project.keys.get().pk, Category.ERROR, Outcome.ACCEPTED)
    services.count(project.pk, [Increment(one, now, COUNTED) for one in event], now=now)
    for number, one in enumerate((project, mine)):
        services.create_budget(one, category="error", limit=COUNTED + number, window=300)
    foreign = _names(organization, project)
    return Cast(
        foreign=foreign,
        foreign_ids={**foreign, "organization_slug": str(organization.pk), "project_slug": str(project.pk)},
        renamed={**foreign, "project_slug": "web"},
        own=_names(other_organization, mine),
    )


@pytest.fixture(params=["user", "token"])
def stranger(request: pytest.FixtureRequest, outsider: User, outsider_api: Client) -> Client:
    if request.param == "token":
        return outsider_api
    client = Client()
    client.force_login(outsider)
    return client


@pytest.mark.parametrize("route", OF_AN_ORGANIZATION, ids=lambda route: route.name)
def test_what_is_another_organizations_looks_like_what_is_not_there(
    route: Route, stranger: Client, cast: Cast, store: Store
) -> None:
    before = _everything(store)
    allowed = stranger.options(_url(route, MISSING))["Allow"].split(", ")
    for method in METHODS:
        missing = _answer(stranger, method, route, MISSING)
        for names in (cast.foreign, cast.foreign_ids, cast.renamed):
            assert _answer(stranger, method, route, names) == missing, f"{method} {names}"
        if method in allowed and method != "OPTIONS":
            assert missing[:2] == (404, b"" if method == "HEAD" else NO_OBJECT)
    assert _everything(store) == before


@pytest.mark.parametrize(
    ("route", "parameter"),
    [(route, parameter) for route in OF_AN_ORGANIZATION for parameter in sorted(route.parameters - NOBODYS)],
    ids=lambda part: part.name if isinstance(part, Route) else part,
)
def test_what_is_another_organizations_is_not_found_inside_the_strangers_own_either(
    route: Route, parameter: str, stranger: Client, cast: Cast, store: Store
) -> None:
    before = _everything(store)
    for method in METHODS:
        missing = _answer(stranger, method, route, {**cast.own, parameter: MISSING[parameter]})
        for foreign in {cast.foreign[parameter], cast.foreign_ids[parameter]}:
            assert _answer(stranger, method, route, {**cast.own, parameter: foreign}) == missing, method
    assert _everything(store) == before


@pytest.mark.parametrize("route", OF_NOBODY, ids=lambda route: route.name)
def test_a_list_names_nothing_of_another_organization(route: Route, stranger: Client, cast: Cast) -> None:
    for method in METHODS:
        response = stranger.generic(method, reverse(route.name), b"{}", content_type="application/json")
        for foreign in ("acme", "Acme", "web", "Web", cast.foreign["public_key"]):
            assert foreign not in response.content.decode(), method


QUERIES = (
    ("stats/?group=project&projectID=", "project_slug", "999999"),
    ("stats_v2/?statsPeriod=24h&field=sum(quantity)&groupBy=project&category=error&project=", "project_slug", "999999"),
    ("stats_v2/?statsPeriod=24h&field=sum(quantity)&category=error&key_id=", "key_id", "999999"),
    ("stats-summary/?statsPeriod=24h&field=sum(quantity)&category=error&project=", "project_slug", "999999"),
)


@pytest.mark.parametrize(("query", "parameter", "missing"), QUERIES)
def test_a_query_that_names_what_is_another_organizations_finds_nothing(
    stranger: Client, cast: Cast, query: str, parameter: str, missing: str
) -> None:
    named = cast.foreign_ids[parameter]
    found, nothing = (stranger.get(f"/api/0/organizations/other/{query}{name}") for name in (named, missing))
    assert found.status_code == nothing.status_code
    # In both, because the year or the month may be the same number.
    without = [re.sub(rf"\b{named}\b", missing, answer.content.decode()) for answer in (found, nothing)]
    assert without[0] == without[1]
    assert str(COUNTED) not in found.content.decode()


@pytest.mark.parametrize("into", ["web2", "web", "id"])
def test_a_body_that_names_another_organizations_project_finds_nothing(
    stranger: Client, cast: Cast, store: Store, into: str
) -> None:
    before = _everything(store)
    named = cast.foreign_ids["project_slug"] if into == "id" else into
    found, nothing = (
        stranger.post("/api/0/projects/other/mine/merge/", {"into": name}, content_type="application/json")
        for name in (named, "missing")
    )
    assert (found.status_code, found.content) == (400, nothing.content)
    assert _everything(store) == before


def test_a_body_that_names_another_organizations_key_finds_nothing(stranger: Client, cast: Cast, store: Store) -> None:
    before = _everything(store)
    found, nothing = (
        stranger.post(
            "/api/0/projects/other/mine/outcomes/",
            {"outcomes": [{"outcome": "accepted", "key": key}]},
            content_type="application/json",
        )
        for key in (cast.foreign["public_key"], "f" * 32)
    )
    assert (found.status_code, found.content) == (400, nothing.content)
    assert _everything(store) == before


def test_the_same_questions_are_answered_for_those_who_may_ask(api: Client, cast: Cast) -> None:
    """Check that the routes work at all. A service that knows nothing would pass the other tests."""
    for route in OF_AN_ORGANIZATION:
        if "GET" in api.options(_url(route, cast.foreign))["Allow"]:
            status = _answer(api, "GET", route, cast.foreign)[0]
            assert status in (200, 400), route
            assert _answer(api, "GET", route, MISSING)[0] == 404, route
    for query, parameter, _ in QUERIES:
        answer = api.get(f"/api/0/organizations/acme/{query}{cast.foreign_ids[parameter]}")
        assert str(COUNTED) in answer.content.decode(), query


def _names(organization: Organization, project: Project) -> dict[str, str]:
    return {
        "organization_slug": organization.slug,
        "project_slug": project.slug,
        "public_key": project.keys.get().public,
        "key_id": str(project.keys.get().pk),
        "team_slug": organization.slug,
        "filter_id": "localhost",
        "budget_id": str(project.budgets.get().pk),
        "member_id": str(organization.memberships.get().pk),
    }


def _url(route: Route, names: dict[str, str]) -> str:
    """Return the URL of a route. For a parameter that is missing in Cast and MISSING, add a value there."""
    return reverse(route.name, kwargs={parameter: names[parameter] for parameter in route.parameters})


def _answer(client: Client, method: str, route: Route, names: dict[str, str]) -> tuple[int, bytes, dict[str, str]]:
    return shape(client.generic(method, _url(route, names), b"{}", content_type="application/json"))


def _everything(store: Store) -> object:
    """Return all rows that a request might have changed, and all keys of Redis with their contents."""
    rows = {
        model: list(model._default_manager.order_by("pk").values())
        for model in apps.get_app_config("projects").get_models()
        if model.__name__ != "ApiToken"  # its last use is recorded
    }
    rings = {key: store.clients.read.dump(key) for key in store.clients.read.scan_iter("ts:*")}
    return rows, rings
