"""The parameters of a query, each by itself and in the order in which they are checked."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine
from django.test import Client

from projects import services
from projects.models import Project
from statsapi.api.stats.query import MAX_POINTS
from tests.api.live import OUTCOMES, STATS
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
        ("5m", 300),
        ("300s", 300),
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
    ["10", "s", "0s", "1s", "15m", "2h", "7d", "1w", "1H", "1hour", "1.0h", "-1h", "+1h", "1 h", " 1h", "1h ", "1h\n",
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
        (NOW - 400 * DAY, NOW, DAY),
        (NOW - 5000 * DAY, NOW, DAY),
        # short windows of the past: the finest that still holds them, and it holds 60 seconds more than it says
        (NOW - 3660, NOW - 3660, 10),
        (NOW - 3660, NOW - 60, 10),
        (NOW - 3661, NOW - 3661, 3600),
        (NOW - 7200, NOW - 7200, 3600),
        (NOW - 8 * DAY, NOW - 7 * DAY, 3600),
        (NOW - 32 * DAY - 60, NOW - 32 * DAY, 3600),
        (NOW - 32 * DAY - 61, NOW - 32 * DAY, DAY),
        (NOW - 400 * DAY - 60, NOW - 400 * DAY, DAY),
        # nothing holds them any more: the length decides alone
        (NOW - 400 * DAY - 61, NOW - 400 * DAY, 10),
        (NOW - 410 * DAY, NOW - 409 * DAY, 3600),
        (0, 3600, 10),
        (-DAY, 0, 3600),
        # the future
        (NOW + DAY, NOW + DAY + 5, 10),
        (NOW + DAY, NOW + 2 * DAY, 3600),
        # whole seconds count, cut towards zero
        (f"{NOW - 3600}.0", f"{NOW}.9", 10),
        (f"{NOW - 3601}.9", f"{NOW}.0", 3600),
        (f"{NOW - 3601}.9", f"{NOW - 1}.999", 10),
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
    "query",
    ["stat=", "since=", "until=", "resolution=", "environment=", "statsPeriod=", "timezone=", "stat", "stat=&since="],
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
NO_PERIODS = ["x", "0s", "0w", "7", "d", "-1d", "+1d", "1.5h", "1D", "1y", "1 d", " 1d", "1d\n", "\u0661d", "1e3s",
              "9999999999s", "200000w", "999999999w", "\0", "x" * 9999]  # fmt: skip


@pytest.mark.parametrize("first", range(len(FAULTS)))
def test_of_several_faults_the_first_of_the_contracts_order_is_told(get: Any, first: int) -> None:
    parameters = [fault[0] for fault in FAULTS[first:]]
    for query in ("&".join(parameters), "&".join(reversed(parameters))):
        response = get(query)
        assert (response.status_code, response.json()) == (FAULTS[first][1], {"detail": FAULTS[first][2]})


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("resolution=x&timezone=x", "Invalid resolution"),
        ("timezone=x&until=x&since=x&statsPeriod=x", "Invalid timezone: x"),
        ("until=x&statsPeriod=x", "until must be a numeric timestamp."),
        ("since=x&statsPeriod=x", "since must be a numeric timestamp."),
        ("statsPeriod=x&resolution=10s&until=253402300799", "Invalid statsPeriod: 'x'"),
    ],
)
def test_time_zone_and_period_are_checked_where_resolution_and_since_are(get: Any, query: str, detail: str) -> None:
    for asked in (query, "&".join(reversed(query.split("&")))):
        response = get(asked)
        assert (response.status_code, response.json()) == (400, {"detail": detail})


def test_start_after_end_comes_before_too_many_points(get: Any) -> None:
    response = get(since="1541455200", until="0", resolution="10s")
    assert (response.status_code, response.json()) == (400, {"detail": "start must be before or equal to end"})


# --- statsPeriod ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("period", "seconds"),
    [("1s", 1), ("3600s", 3600), ("90m", 5400), ("24h", DAY), ("007d", 7 * DAY), ("14d", 14 * DAY), ("4w", 28 * DAY)],
)
@pytest.mark.parametrize("until", ["", "1541000000.5"])
def test_a_period_goes_back_from_until(get: Any, period: str, seconds: int, until: str) -> None:
    since = f"{float(until or NOW) - seconds}"
    same = get(since=since, until=until)
    response = get(statsPeriod=period, until=until)
    assert (response.status_code, response.content) == (200, same.content)
    assert response["X-Stats-Resolution"] == same["X-Stats-Resolution"]


@pytest.mark.parametrize("since", [str(NOW - 7200), "1541530000.25"])
@pytest.mark.parametrize("period", ["1h", "30d", "x"])
def test_a_start_wins_over_a_period(get: Any, since: str, period: str) -> None:
    assert get(statsPeriod=period, since=since).content == get(since=since).content


@pytest.mark.parametrize("period", NO_PERIODS)
def test_it_repeats_a_period_that_is_none(get: Any, period: str) -> None:
    response = get(statsPeriod=period)
    assert (response.status_code, response.json()) == (400, {"detail": f"Invalid statsPeriod: '{period}'"})


@pytest.mark.parametrize("path", ["organizations/acme/stats/", "projects/acme/web/keys/{key}/stats/"])
def test_the_organization_and_a_key_know_the_period_too(api: Client, project: Project, path: str) -> None:
    url = "/api/0/" + path.format(key=project.keys.get().public)
    with time_machine.travel(NOW, tick=False):
        assert api.get(url, {"statsPeriod": "3d"}).json() == api.get(url, {"since": NOW - 3 * DAY}).json()
        refused = api.get(url, {"statsPeriod": "3y"})
    detail = "Invalid request data" if "keys" in path else "Invalid statsPeriod: '3y'"
    assert (refused.status_code, refused.json()) == (400, {"detail": detail})


# --- clocks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("behind", [0, 5, 59.9, 60])
def test_a_client_whose_clock_is_behind_gets_all_of_an_hour_in_steps_of_ten_seconds(
    api: Client, project: Project, behind: float
) -> None:
    """The oldest bucket is there too. It was counted into an hour and a minute ago."""
    until = NOW + 3600 - behind
    oldest = int(until) - 3600
    with time_machine.travel(oldest, tick=False):
        assert api.post(OUTCOMES, {"outcomes": [{"outcome": "accepted"}]}, "application/json").status_code == 201
    with time_machine.travel(NOW + 3600, tick=False):
        response = api.get(STATS, {"since": str(until - 3600), "until": str(until)})
        url = f"/api/0/projects/acme/web/keys/{project.keys.get().public}/stats/"
        of_key = api.get(url, {"since": str(until - 3600), "until": str(until)})
    points = response.json()
    assert (resolution_of(response), len(points), len(of_key.json())) == (10, 361, 361)
    assert points[0] == [float(oldest // 10 * 10), 1]
    assert int(response["X-Stats-Retained-Since"]) <= points[0][0]


# --- environment ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stat", ["", "received", "rejected", "blacklisted", "generated", "localhost"])
@pytest.mark.parametrize("name", ["nowhere", "Production", "production x", "\0", "e\u0301", "x" * 5000])
def test_an_unknown_environment_is_missing_with_any_stat(get: Any, project: Project, stat: str, name: str) -> None:
    services.environment_id(project.pk, "production")
    response = get(stat=stat, environment=name)
    assert (response.status_code, response.json()) == (404, {"detail": "The requested resource does not exist"})
    assert get(stat=stat, environment="production").status_code == 200


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
    for told in ("10001 points", "10s", "10000", "300s", "3600s", "86400s"):
        assert told in response.json()["detail"]


@pytest.mark.parametrize("resolution", ["10s", "1h", "1d", ""])
def test_the_largest_range_is_refused_before_any_work(get: Any, resolution: str) -> None:
    response = get(since="-62135596800", until="253402300799", resolution=resolution)
    assert response.status_code == 400
    assert " points at " in response.json()["detail"]


# --- headers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("resolution", "samples"), [(10, 360), (300, 300), (3600, 768), (DAY, 400)])
def test_it_tells_since_when_counts_are_retained(get: Any, resolution: int, samples: int) -> None:
    response = get(resolution=f"{resolution}s", since=str(NOW), until=str(NOW))
    retained = int(response["X-Stats-Retained-Since"])
    assert retained == (NOW - 60) // resolution * resolution - resolution * samples
    assert int(response["X-Stats-Resolution"]) == resolution


def test_an_error_tells_neither(get: Any) -> None:
    response = get(stat="x")
    assert "X-Stats-Resolution" not in response
    assert "X-Stats-Retained-Since" not in response
