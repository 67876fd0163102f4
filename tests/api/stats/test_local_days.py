"""`timezone`: days of the stats endpoints from one local midnight to the next."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
import time_machine
from django.test import Client

from projects.models import Project
from statsapi.api.stats.csv_format import iso
from tests.api.counting import DAY, HOUR, lines, post
from tsdb.rollups import parse_rollups
from tsdb.store import Store
from tsdb.timeline import Retention

pytestmark = pytest.mark.django_db

WEB = "/api/0/projects/acme/web/stats/"
ORGANIZATION = "/api/0/organizations/acme/stats/"
NOW = int(datetime.fromisoformat("2018-11-05T22:20:30+00:00").timestamp())
"""A day of 25 hours in Berlin is 8 days back. One in New York, and one of 23 hours in São Paulo, is a day back."""


@pytest.fixture(autouse=True)
def _held_clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def counted(api: Client, project: Project) -> list[dict[str, Any]]:
    """Count into each half hour of the last month, in each one more than in the one before. Return the rows."""
    rows = [
        {"outcome": "accepted", "quantity": number, "timestamp": NOW - age}
        for number, age in enumerate(range(31 * DAY, 0, -1800), start=1)
    ]
    post(api, "web", *rows)
    return rows


def ask(api: Client, url: str, query: Any) -> Any:
    return api.get(url, query)


def by_day(rows: list[dict[str, Any]], zone: str) -> dict[str, int]:
    """Return date -> sum, by the clock of a zone."""
    sums: dict[str, int] = {}
    for row in rows:
        day = datetime.fromtimestamp(row["timestamp"], ZoneInfo(zone)).date().isoformat()
        sums[day] = sums.get(day, 0) + row["quantity"]
    return sums


@pytest.mark.parametrize(
    ("zone", "days"),
    [
        ("Europe/Berlin", 30),
        ("America/New_York", 30),
        ("America/Sao_Paulo", 30),
        ("Pacific/Kiritimati", 30),
        ("Asia/Kolkata", 1),
        ("Asia/Kathmandu", 1),
        ("Africa/Abidjan", 30),
    ],
)
@pytest.mark.parametrize("url", [WEB, ORGANIZATION])
def test_each_point_is_a_day_of_the_zone(
    api: Client, counted: list[dict[str, Any]], url: str, zone: str, days: int
) -> None:
    # Days of half hours are sums of 5 minutes, which are kept for 25 hours: today's alone.
    since = NOW - days * DAY if days > 1 else NOW
    response = ask(api, url, {"timezone": zone, "resolution": "1d", "since": since})
    assert response.status_code == 200, response.content
    expected = by_day(counted, zone)
    starts = [datetime.fromtimestamp(start, ZoneInfo(zone)) for start, _ in response.json()]
    assert len(starts) >= days
    assert [count for _, count in response.json()] == [expected[start.date().isoformat()] for start in starts]
    assert {type(start) for start, _ in response.json()} == {float}
    assert [starts[0].date() + timedelta(days=number) for number in range(len(starts))] == [at.date() for at in starts]
    assert (response["X-Stats-Resolution"], response["X-Stats-Timezone"]) == (str(DAY), zone)


def test_a_day_of_25_hours_is_one_point(api: Client, counted: list[dict[str, Any]]) -> None:
    found = ask(api, WEB, {"timezone": "Europe/Berlin", "since": NOW - 12 * DAY - HOUR}).json()
    lengths = [(later - earlier) / HOUR for (earlier, _), (later, _) in zip(found, found[1:], strict=False)]
    assert (lengths.count(25), lengths.count(24)) == (1, 11)
    started = [datetime.fromtimestamp(start, ZoneInfo("Europe/Berlin")).isoformat() for start, _ in found]
    assert started[4:6] == ["2018-10-28T00:00:00+02:00", "2018-10-29T00:00:00+01:00"]


def test_a_day_whose_midnight_does_not_exist_begins_with_its_first_hour(
    api: Client, counted: list[dict[str, Any]]
) -> None:
    found = ask(api, WEB, {"timezone": "America/Sao_Paulo", "resolution": "1d", "statsPeriod": "3d"}).json()
    started = [datetime.fromtimestamp(start, ZoneInfo("America/Sao_Paulo")).isoformat() for start, _ in found]
    assert started == [
        "2018-11-02T00:00:00-03:00",
        "2018-11-03T00:00:00-03:00",
        "2018-11-04T01:00:00-02:00",
        "2018-11-05T00:00:00-02:00",
    ]


def test_the_day_of_until_is_always_there_and_that_of_since_when_a_step_falls_into_it(
    api: Client, counted: list[dict[str, Any]]
) -> None:
    berlin = ZoneInfo("Europe/Berlin")

    def days(since: str, until: str) -> list[str]:
        ends = {name: datetime.fromisoformat(text).replace(tzinfo=berlin).timestamp()
                for name, text in (("since", since), ("until", until))}  # fmt: skip
        found = ask(api, WEB, {"timezone": "Europe/Berlin", "resolution": "1d", **ends}).json()
        return [datetime.fromtimestamp(start, berlin).strftime("%d") for start, _ in found]

    assert days("2018-11-02T12:00", "2018-11-02T12:00") == ["02"]
    assert days("2018-11-01T12:00", "2018-11-02T12:00") == ["01", "02"]
    assert days("2018-11-01T12:00:01", "2018-11-02T12:00") == ["02"]
    # a day of 25 hours lies between
    assert days("2018-10-28T00:00", "2018-10-29T00:00") == ["28", "29"]
    assert days("2018-10-28T00:01", "2018-10-29T00:00") == ["29"]


def test_a_window_that_is_answered_by_the_day_by_itself_has_local_days_too(
    api: Client, counted: list[dict[str, Any]]
) -> None:
    query = {"timezone": "Europe/Berlin", "statsPeriod": "14d"}
    assert ask(api, WEB, query).json() == ask(api, WEB, {**query, "resolution": "1d"}).json()
    assert ask(api, WEB, query).json() != ask(api, WEB, {"statsPeriod": "14d"}).json()


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kolkata"])
@pytest.mark.parametrize("resolution", ["", "10s", "5m", "1h"])
def test_shorter_buckets_begin_at_the_same_instants_everywhere(
    api: Client, counted: list[dict[str, Any]], zone: str, resolution: str
) -> None:
    query = {"resolution": resolution, "since": NOW - 3 * HOUR}
    response = ask(api, WEB, {**query, "timezone": zone})
    assert response.content == ask(api, WEB, query).content
    assert "X-Stats-Timezone" not in response


@pytest.mark.parametrize("zone", ["", "UTC", "Etc/UTC", "Etc/GMT"])
@pytest.mark.parametrize("since", [NOW - 14 * DAY, NOW - 200 * DAY, NOW - 1000 * DAY])
def test_utc_changes_nothing(api: Client, counted: list[dict[str, Any]], zone: str, since: int) -> None:
    plain, asked = ask(api, WEB, {"since": since}), ask(api, WEB, {"since": since, "timezone": zone})
    assert asked.content == plain.content
    for name in ("X-Stats-Resolution", "X-Stats-Retained-Since"):
        assert asked[name] == plain[name]


@pytest.mark.parametrize("url", [WEB, ORGANIZATION])
def test_the_table_and_the_groups_are_the_same(
    api: Client, counted: list[dict[str, Any]], project: Project, url: str
) -> None:
    query = {"timezone": "America/New_York", "resolution": "1d", "statsPeriod": "5d"}
    points = ask(api, url, query).json()
    table = lines(ask(api, url, {**query, "format": "csv"}))
    assert table == ["timestamp,count", *(f"{iso(int(start))},{count}" for start, count in points)]
    grouped = {"group": "project", **query}
    assert ask(api, ORGANIZATION, grouped).json() == {str(project.pk): points}
    by_project = lines(ask(api, ORGANIZATION, {**grouped, "format": "csv"}))
    assert by_project[1:] == [f"{project.pk},web,{line}" for line in table[1:]]


def test_a_key_has_local_days_too(api: Client, project: Project) -> None:
    public = project.keys.get().public
    post(api, "web", *({"outcome": "accepted", "timestamp": NOW - age * HOUR, "key": public} for age in range(72)))
    query = {"timezone": "Europe/Berlin", "resolution": "1d", "statsPeriod": "2d"}
    rows = ask(api, f"/api/0/projects/acme/web/keys/{public}/stats/", query).json()
    assert [[one["ts"], one["total"]] for one in rows] == ask(api, WEB, query).json()
    assert [one["total"] for one in rows] == [24, 24, 24]


# --- refusals ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kolkata", "America/New_York"])
def test_a_window_that_is_older_than_hours_are_kept_is_refused_and_told_since_when_it_is_not(
    api: Client, project: Project, zone: str
) -> None:
    query = {"timezone": zone, "resolution": "1d", "until": NOW}
    refused = ask(api, WEB, {**query, "since": NOW - 60 * DAY})
    assert refused.status_code == 400
    told, number = refused.json()["detail"].removeprefix(f"Days of {zone} can be answered since ").split(" ")[:2]
    since = int(number.strip("()."))
    assert datetime.fromisoformat(told).timestamp() == since
    assert datetime.fromtimestamp(since, ZoneInfo(zone)).strftime("%H:%M:%S") == "00:00:00"

    served = ask(api, WEB, {**query, "since": since, "until": since + (NOW - since) // DAY * DAY})
    assert served.status_code == 200
    assert served.json()[0][0] == since
    assert served["X-Stats-Retained-Since"] == str(since)
    assert ask(api, WEB, {**query, "since": since - 1, "until": since - 1}).status_code == 400


def test_days_are_answered_since_hours_are_complete_after_a_change(
    api: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled = NOW // HOUR * HOUR - 100 * HOUR
    monkeypatch.setattr(Store, "retention", lambda self, projects, *, now: Retention(now, {HOUR: filled}))
    query = {"timezone": "Europe/Berlin", "resolution": "1d"}
    assert ask(api, WEB, {**query, "statsPeriod": "3d"}).status_code == 200
    assert ask(api, WEB, {**query, "statsPeriod": "4d"}).status_code == 400


def test_a_zone_whose_midnight_no_resolution_meets_is_refused(
    api: Client, project: Project, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "rollups", parse_rollups("1h:768:168,1d:400:90"))
    query = {"timezone": "Asia/Kolkata", "resolution": "1d", "since": NOW}
    response = ask(api, WEB, query)
    assert (response.status_code, response.json()) == (
        400,
        {"detail": "Days of Asia/Kolkata are not sums of whole buckets of any resolution that is kept."},
    )
    assert ask(api, WEB, {**query, "timezone": "Europe/Berlin"}).status_code == 200


@pytest.mark.parametrize(
    "zone",
    ["Nowhere", "europe/berlin", "Europe", "Europe/", "/Europe/Berlin", "/etc/localtime", "../UTC", "Europe/../UTC",
     "posix/UTC", "right/UTC", "zone.tab", "tzdata.zi", "localtime", "+01:00", "UTC+1", " UTC", "UTC\n", "UTC\0", "\0",
     "\u00e9", "Europe\\Berlin", "x" * 9000, "a/" * 3000, ".", "..", "None"],
)  # fmt: skip
@pytest.mark.parametrize("resolution", ["1d", "1h", ""])
def test_an_unknown_zone_is_refused_at_any_resolution(
    api: Client, project: Project, zone: str, resolution: str
) -> None:
    response = ask(api, WEB, {"timezone": zone, "resolution": resolution})
    assert (response.status_code, response.json()) == (400, {"detail": f"Invalid timezone: {zone}"})


@pytest.mark.parametrize("instant", ["-62135596800", "253402300799", "253402300799.9"])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_ends_of_time_are_no_error_of_ours(api: Client, project: Project, zone: str, instant: str) -> None:
    query = {"timezone": zone, "resolution": "1d", "since": instant, "until": instant}
    assert ask(api, WEB, query).status_code in (200, 400)
    assert ask(api, WEB, {"timezone": zone, "since": "-62135596800", "until": "253402300799"}).status_code == 400


def test_every_zone_can_be_asked_for(api: Client, project: Project) -> None:
    for zone in sorted(available_timezones() - {"localtime"}):
        response = ask(api, WEB, {"timezone": zone, "resolution": "1d", "since": NOW})
        assert response.status_code == 200, (zone, response.content)
        (point,) = response.json()
        assert NOW - 26 * HOUR < point[0] <= NOW


def test_days_that_have_not_begun_are_zeros(api: Client, counted: list[dict[str, Any]]) -> None:
    query = {"timezone": "Europe/Berlin", "resolution": "1d", "since": NOW + 3 * DAY, "until": NOW + 4 * DAY}
    assert [count for _, count in ask(api, WEB, query).json()] == [0, 0]
    assert [count for _, count in ask(api, ORGANIZATION, query).json()] == [0, 0]


def test_days_far_ahead_are_zeros(api: Client, counted: list[dict[str, Any]]) -> None:
    query = {"timezone": "Europe/Berlin", "resolution": "1d", "since": NOW, "until": NOW + 9125 * DAY}
    counts = [count for _, count in ask(api, WEB, query).json()]
    assert len(counts) == 9126
    assert counts[0] > 0 == sum(counts[1:])
