"""The query's parameters, each on its own and in the order in which they are checked."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine
from django.test import Client

from projects import services
from projects.models import Project
from statsapi.api.query import MAX_POINTS
from tests.api.live import STATS
from tsdb.outcomes import FILTERS

pytestmark = pytest.mark.django_db

NOW = 1541538000  # a full hour, and not a full day
DAY = 86400


@pytest.fixture
def get(api: Client, project: Project) -> Any:
    def ask(query: str = "", **parameters: str) -> Any:
        with time_machine.travel(NOW, tick=False):
            return api.get(STATS + (f"?{query}" if query else ""), parameters or None)

    return ask


def resolution_of(response: Any) -> int:
    assert response.status_code == 200, response.content
    return int(response["X-Stats-Resolution"])


# --- stat ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stat", ["received", "rejected", "blacklisted", "generated", *FILTERS])
def test_it_knows_the_stats_and_the_filters(get: Any, stat: str) -> None:
    response = get(stat=stat)
    assert (response.status_code, len(response.json())) == (200, 24)


def test_the_filters_are_the_contracts() -> None:
    named = (
        "ip-address release-version error-message browser-extensions legacy-browsers localhost web-crawlers "
        "invalid-csp cors discarded-hash"
    )
    assert sorted(FILTERS) == sorted(named.split())


@pytest.mark.parametrize(
    "stat", ["Received", "received ", "accepted", "filtered", "error", "none", "\0", "é", "x" * 9999]
)
def test_it_repeats_a_stat_that_it_does_not_know(get: Any, stat: str) -> None:
    response = get(stat=stat)
    assert (response.status_code, response.json()) == (400, {"detail": f"Invalid stat: {stat}"})


# --- resolution ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10s", 10),
        ("3600s", 3600),
        ("60m", 3600),
        ("1h", 3600),
        ("86400s", DAY),
        ("1440m", DAY),
        ("24h", DAY),
        ("1d", DAY),
    ],
)
def test_a_resolution_is_known_by_its_length(get: Any, text: str, seconds: int) -> None:
    response = get(resolution=text)
    assert resolution_of(response) == seconds
    assert {after[0] - before[0] for before, after in zip(response.json(), response.json()[1:], strict=False)} <= {
        float(seconds)
    }


@pytest.mark.parametrize(
    "text",
    ["10", "s", "0s", "1s", "30m", "2h", "7d", "1w", "1H", "1hour", "1.0h", "-1h", "+1h", "1 h", " 1h", "1h ", "1h\n",
     "١h", "0x1h", "1e1s", "9" * 500 + "h", "h1", "None", "\0"],
)  # fmt: skip
def test_it_refuses_a_resolution_that_is_no_rollup(get: Any, text: str) -> None:
    response = get(resolution=text)
    assert (response.status_code, response.json()) == (400, {"detail": "Invalid resolution"})


@pytest.mark.parametrize(
    ("since", "until", "seconds"),
    [
        # the window's length decides
        (NOW - 1, NOW, 10),
        (NOW, NOW, 10),
        (NOW - 3600, NOW, 10),
        (NOW - 3601, NOW, 3600),
        (NOW - 86399, NOW, 3600),
        (NOW - 7 * DAY, NOW, 3600),
        (NOW - 7 * DAY - 1, NOW, DAY),
        (NOW - 90 * DAY, NOW, DAY),
        # none is long enough: the coarsest
        (NOW - 91 * DAY, NOW, DAY),
        (NOW - 5000 * DAY, NOW, DAY),
        # short windows of the past: the finest that still holds them
        (NOW - 3600, NOW - 3600, 10),
        (NOW - 3601, NOW - 3601, 3600),
        (NOW - 7 * DAY, NOW - 7 * DAY + 60, 3600),
        (NOW - 7 * DAY - 1, NOW - 7 * DAY + 60, DAY),
        (NOW - 90 * DAY, NOW - 90 * DAY, DAY),
        # nothing holds them any more: the length decides alone
        (NOW - 90 * DAY - 1, NOW - 90 * DAY, 10),
        (NOW - 100 * DAY, NOW - 99 * DAY, 3600),
        (0, 3600, 10),
        (-DAY, 0, 3600),
        # the future
        (NOW + DAY, NOW + DAY + 5, 10),
        (NOW + DAY, NOW + 2 * DAY, 3600),
        # whole seconds count, cut towards zero
        (f"{NOW - 3600}.0", f"{NOW}.9", 10),
        (f"{NOW - 3601}.9", f"{NOW}.0", 3600),
        (f"{NOW - 3601}.9", f"{NOW - 1}.999", 3600),
        (f"{NOW - 3600}.9999999999", f"{NOW + 1}.9999999990", 3600),
        ("-0.9999999999", "3600", 10),
        ("-1.0000000001", "3600", 3600),
        ("-1.9", "3599.9", 10),
    ],
)  # fmt: skip
def test_the_automatic_resolution(get: Any, since: object, until: object, seconds: int) -> None:
    assert resolution_of(get(since=str(since), until=str(until))) == seconds


# --- empty, repeated, unknown --------------------------------------------------------------------------------


def test_without_parameters_it_is_the_last_day_by_the_hour(get: Any) -> None:
    response = get()
    assert resolution_of(response) == 3600
    assert [point[0] for point in response.json()] == [float(NOW - 3600 * hour) for hour in range(23, -1, -1)]


@pytest.mark.parametrize(
    "query", ["stat=", "since=", "until=", "resolution=", "environment=", "stat", "stat=&since=&until="]
)
def test_an_empty_parameter_is_absent(get: Any, query: str) -> None:
    assert get(query).content == get().content


@pytest.mark.parametrize(
    ("query", "same"),
    [
        ("stat=nonsense&stat=rejected", "stat=rejected"),
        ("since=x&since=1541530000", "since=1541530000"),
        ("until=x&until=1541530000", "until=1541530000"),
        ("resolution=x&resolution=1d", "resolution=1d"),
        ("since=1541530000&since=", ""),
        ("stat=generated&environment=x&environment=", "stat=generated"),
        ("foo=bar&group=x&per_page=0&cursor=x&format=xml", ""),
        ("Stat=x&SINCE=x&stat%5B%5D=x", ""),
        ("&&=&", ""),
    ],
)
def test_the_last_of_a_repeated_parameter_counts_and_an_unknown_one_does_not(get: Any, query: str, same: str) -> None:
    assert get(query).status_code == 200
    assert get(query).content == get(same).content


def test_more_parameters_than_anybody_needs_are_400(get: Any) -> None:
    response = get("&".join(f"p{number}=1" for number in range(1001)))
    assert (response.status_code, response.json()) == (400, {"detail": "Bad request"})


def test_until_moves_the_default_start_with_it(get: Any) -> None:
    times = [point[0] for point in get(until="1541500000.5", resolution="1h").json()]
    assert (times[0], times[-1], len(times)) == (1541415600.0, 1541498400.0, 24)


# --- order ---------------------------------------------------------------------------------------------------

FAULTS = [
    ("stat=x", 400, "Invalid stat: x"),
    ("environment=x", 404, "The requested resource does not exist"),
    ("resolution=x", 400, "Invalid resolution"),
    ("until=x", 400, "until must be a numeric timestamp."),
    ("since=x", 400, "since must be a numeric timestamp."),
]


@pytest.mark.parametrize("first", range(len(FAULTS)))
def test_of_several_faults_the_first_of_the_contracts_order_is_told(get: Any, first: int) -> None:
    parameters = [fault[0] for fault in FAULTS[first:]]
    if first > 0:
        parameters.append("stat=generated")
    for query in ("&".join(parameters), "&".join(reversed(parameters))):
        response = get(query)
        assert (response.status_code, response.json()) == (FAULTS[first][1], {"detail": FAULTS[first][2]})


def test_start_after_end_comes_before_too_many_points(get: Any) -> None:
    response = get(since="1541455200", until="0", resolution="10s")
    assert (response.status_code, response.json()) == (400, {"detail": "start must be before or equal to end"})


# --- environment ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stat", ["", "received", "rejected", "blacklisted", "localhost"])
def test_an_environment_is_ignored_with_any_stat_but_generated(get: Any, stat: str) -> None:
    response = get(stat=stat, environment="nowhere")
    assert response.status_code == 200
    assert response.content == get(stat=stat).content


@pytest.mark.parametrize("name", ["nowhere", "Production", "production ", "\0", "e\u0301", "x" * 5000])
def test_an_unknown_environment_is_missing(get: Any, project: Project, name: str) -> None:
    services.environment_id(project.pk, "production")
    response = get(stat="generated", environment=name)
    assert (response.status_code, response.json()) == (404, {"detail": "The requested resource does not exist"})


def test_a_projects_environment_is_not_another_projects(get: Any, project: Project) -> None:
    other = services.create_project(organization=project.organization, slug="other", name="Other")
    services.environment_id(other.pk, "production")
    assert get(stat="generated", environment="production").status_code == 404


# --- points --------------------------------------------------------------------------------------------------


def test_as_many_points_as_the_limit_are_answered(get: Any) -> None:
    response = get(since=str(NOW - 10 * (MAX_POINTS - 1)), until=str(NOW), resolution="10s")
    assert (response.status_code, len(response.json())) == (200, MAX_POINTS)


def test_one_point_more_is_refused_with_what_would_fit(get: Any) -> None:
    response = get(since=str(NOW - 10 * MAX_POINTS), until=str(NOW), resolution="10s")
    assert response.status_code == 400
    for told in ("10001 points", "10s", "10000", "3600s", "86400s"):
        assert told in response.json()["detail"]


@pytest.mark.parametrize("resolution", ["10s", "1h", "1d", ""])
def test_the_largest_range_is_refused_before_any_work(get: Any, resolution: str) -> None:
    response = get(since="-62135596800", until="253402300799", resolution=resolution)
    assert response.status_code == 400
    assert " points at " in response.json()["detail"]


# --- headers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("resolution", "samples"), [(10, 360), (3600, 168), (DAY, 90)])
def test_it_tells_since_when_counts_are_retained(get: Any, resolution: int, samples: int) -> None:
    response = get(resolution=f"{resolution}s", since=str(NOW), until=str(NOW))
    retained = int(response["X-Stats-Retained-Since"])
    assert retained == NOW // resolution * resolution - resolution * samples
    assert int(response["X-Stats-Resolution"]) == resolution


def test_an_error_tells_neither(get: Any) -> None:
    response = get(stat="x")
    assert "X-Stats-Resolution" not in response
    assert "X-Stats-Retained-Since" not in response
