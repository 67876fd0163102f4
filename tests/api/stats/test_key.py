"""GET …/keys/{public_key}/stats/: the counts of a key."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from projects import services
from projects.models import Project
from tests.api.counting import DAY, HOUR, NOW, post, row

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock_of_statistics")]


@pytest.fixture
def public(project: Project) -> str:
    return project.keys.get().public


@pytest.fixture
def url(public: str) -> str:
    return f"/api/0/projects/acme/web/keys/{public}/stats/"


def bucket(start: int, **counts: int) -> dict[str, int]:
    return {"ts": start, "total": sum(counts.values()), "dropped": 0, "filtered": 0, "accepted": 0, **counts}


def test_it_counts_the_errors_of_the_key_alone(api: Client, project: Project, public: str, url: str) -> None:
    other = services.create_key(project=project).public
    post(
        api,
        "web",
        row(quantity=5, key=public),
        row("filtered", 3, reason="localhost", key=public),
        row("filtered", 4, reason="cors", key=public),
        row("rate_limited", 2, key=public, age=HOUR),
        row("invalid", 9, key=public),
        row("client_discard", 9, key=public),
        row(quantity=9, key=public, category="transaction"),
        row(quantity=100, key=other),
        row(quantity=1000),
    )
    response = api.get(url)
    rows = response.json()
    assert rows[-2:] == [bucket(NOW - HOUR, dropped=2), bucket(NOW, accepted=5, filtered=7)]
    assert rows[:-2] == [bucket(NOW - age * HOUR) for age in range(23, 1, -1)]
    assert all(type(value) is int for one in rows for value in one.values())
    assert list(rows[0]) == ["ts", "total", "dropped", "filtered", "accepted"]
    assert response["X-Stats-Resolution"] == "3600"


def test_the_window_and_the_resolution_are_those_of_the_projects_stats(
    api: Client, project: Project, public: str, url: str
) -> None:
    post(api, "web", *(row(quantity=1, age=age, key=public) for age in range(0, 3 * DAY, 1000)))
    queries: list[dict[str, Any]] = [
        {"resolution": "1d", "since": NOW - 2 * DAY},
        {"resolution": "10s", "since": NOW - 600, "until": NOW - 100.5},
        {"since": NOW - 40 * DAY},
        {"until": NOW - 30 * DAY},
        {"since": NOW - 3 * DAY, "until": NOW + DAY},
        {"since": "", "until": "", "resolution": ""},
    ]
    for query in queries:
        response, of_project = api.get(url, query), api.get("/api/0/projects/acme/web/stats/", query)
        assert [[one["ts"], one["total"]] for one in response.json()] == of_project.json()
        for name in ("X-Stats-Resolution", "X-Stats-Retained-Since"):
            assert response[name] == of_project[name]


def test_a_key_that_counted_nothing_has_zeros(api: Client, url: str) -> None:
    assert api.get(url, {"since": NOW, "until": NOW}).json() == [bucket(NOW)]


@pytest.mark.parametrize(
    "query",
    [
        {"since": "x"},
        {"until": "x"},
        {"resolution": "x"},
        {"resolution": "15m"},
        {"since": "9", "until": "1"},
        {"since": "0", "resolution": "10s"},
    ],
)
def test_any_bad_argument_is_refused_alike(api: Client, url: str, query: Any) -> None:
    response = api.get(url, query)
    assert (response.status_code, response.json()) == (400, {"detail": "Invalid request data"})


def test_a_bad_argument_is_not_looked_at_before_the_key(api: Client, project: Project) -> None:
    assert api.get(f"/api/0/projects/acme/web/keys/{'0' * 32}/stats/", {"since": "x"}).status_code == 404


def test_the_keys_and_what_came_without_one_make_up_the_project(
    api: Client, project: Project, public: str, url: str
) -> None:
    other = services.create_key(project=project).public
    post(api, "web", row(quantity=5, key=public), row(quantity=7, key=other), row(quantity=11))
    keys = [sum(one["total"] for one in api.get(url.replace(public, key)).json()) for key in (public, other)]
    assert keys == [5, 7]
    assert sum(count for _, count in api.get("/api/0/projects/acme/web/stats/").json()) == 23
