"""`timezone` of stats_v2 and stats-summary: with an interval of a day, days of a zone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client

from projects.models import Project
from tests.api.counting import DAY, HOUR, post

pytestmark = pytest.mark.django_db

V2 = "/api/0/organizations/acme/stats_v2/"
SUMMARY = "/api/0/organizations/acme/stats-summary/"
Q = "sum(quantity)"
NOW = int(datetime.fromisoformat("2018-11-05T22:20:33+00:00").timestamp())
"""A day of 25 hours in Berlin is 8 days back. One in New York, and one of 23 hours in São Paulo, is a day back."""


@pytest.fixture(autouse=True)
def _held_clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def counted(api: Client, project: Project) -> list[dict[str, Any]]:
    """Count into each half hour of the last 20 days, in each one more than in the one before. Return the rows."""
    rows = [
        {"outcome": "accepted", "quantity": number, "timestamp": NOW - age}
        for number, age in enumerate(range(20 * DAY, 0, -1800), start=1)
    ]
    post(api, "web", *rows)
    return rows


def ask(api: Client, zone: str, **query: str) -> Any:
    asked = {"field": Q, "category": "error", "interval": "1d", "statsPeriod": "10d", "timezone": zone, **query}
    return api.get(V2, {name: value for name, value in asked.items() if value})


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", "2018-10-28", 25),
        ("America/New_York", "2018-11-04", 25),
        ("America/Sao_Paulo", "2018-11-04", 23),
        ("Asia/Tokyo", "2018-11-04", 24),
    ],
)
def test_intervals_are_days_of_the_zone(
    api: Client, counted: list[dict[str, Any]], zone: str, day: str, hours: int
) -> None:
    response = ask(api, zone)
    answer = response.json()
    instants = [datetime.fromisoformat(one).astimezone(ZoneInfo(zone)) for one in (*answer["intervals"], answer["end"])]
    dates = [one.date().isoformat() for one in instants[:-1]]
    (group,) = answer["groups"]

    expected: dict[str, int] = {}
    for row in counted:
        date = datetime.fromtimestamp(row["timestamp"], ZoneInfo(zone)).date().isoformat()
        expected[date] = expected.get(date, 0) + row["quantity"]
    assert group["series"][Q] == [expected[date] for date in dates]
    assert group["totals"][Q] == sum(expected[date] for date in dates)
    place = dates.index(day)
    assert (instants[place + 1].timestamp() - instants[place].timestamp()) / HOUR == hours
    assert {one.strftime("%H:%M") for one in instants} <= {"00:00", "01:00"}  # São Paulo's day began at one
    assert answer["start"] == answer["intervals"][0]
    assert response["X-Stats-Timezone"] == zone
    assert response["X-Stats-Resolution"] == "86400"
    assert int(response["X-Stats-Retained-Since"]) < instants[0].timestamp()


def test_the_range_has_the_days_that_start_and_end_cut(api: Client, counted: list[dict[str, Any]]) -> None:
    cut = ask(api, "Europe/Berlin", statsPeriod="", start="2018-10-27T22:00:00", end="2018-10-28T23:00:00").json()
    assert (cut["start"], cut["end"]) == ("2018-10-27T22:00:00Z", "2018-10-28T23:00:00Z")
    more = ask(api, "Europe/Berlin", statsPeriod="", start="2018-10-27T21:59:59", end="2018-10-28T23:00:01").json()
    assert (more["start"], more["end"]) == ("2018-10-26T22:00:00Z", "2018-10-29T23:00:00Z")


@pytest.mark.parametrize("zone", ["UTC", "Etc/GMT", ""])
def test_in_utc_nothing_changes(api: Client, counted: list[dict[str, Any]], zone: str) -> None:
    asked, plain = ask(api, zone), ask(api, "")
    assert asked.content == plain.content
    assert "X-Stats-Timezone" not in asked.headers


def test_at_a_shorter_interval_nothing_changes(api: Client, counted: list[dict[str, Any]]) -> None:
    asked, plain = (ask(api, zone, interval="1h") for zone in ("Europe/Berlin", ""))
    assert asked.content == plain.content
    assert "X-Stats-Timezone" not in asked.headers


def test_a_range_that_begins_before_they_are_kept_is_refused(api: Client, project: Project) -> None:
    for interval in ("1d", "1h"):  # hours of 60 days would be answered by the day
        response = ask(api, "Europe/Berlin", statsPeriod="60d", interval=interval)
        said = "Days of Europe/Berlin can be answered since 2018-10-04T22:00:00Z (1538690400). Ask for a later start."
        assert (response.status_code, response.json()) == (400, {"detail": said})


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"zone": "Europe/Rome2"}, "Invalid timezone: Europe/Rome2"),
        ({"zone": "../etc/passwd"}, "Invalid timezone: ../etc/passwd"),
        ({"zone": "localtime"}, "Invalid timezone: localtime"),
        ({"zone": "x", "interval": "0s"}, "Invalid interval: '0s'"),
        ({"zone": "x", "project": "!"}, "Invalid timezone: x"),
        (
            {"zone": "Europe/Berlin", "statsPeriod": "", "start": "2000-01-01", "end": "2018-01-01"},
            "Your interval and date range would create too many results. "
            "Use a larger interval, or a smaller date range.",
        ),
        (
            {"zone": "Asia/Tokyo", "statsPeriod": "", "start": "9999-12-01", "end": "9999-12-31T23:00:00"},
            "Your interval and date range would create too many results. "
            "Use a larger interval, or a smaller date range.",
        ),
        (
            {"zone": "America/New_York", "statsPeriod": "", "start": "0", "end": "10"},
            "Days of America/New_York can be answered since 2018-10-05T04:00:00Z (1538712000). Ask for a later start.",
        ),
    ],
)
def test_what_cannot_be_answered_is_refused(api: Client, project: Project, query: dict[str, str], said: str) -> None:
    response = ask(api, **query)
    assert (response.status_code, response.json()) == (400, {"detail": said})


def test_a_summary_has_whole_days_of_the_zone(api: Client, counted: list[dict[str, Any]]) -> None:
    query = {"field": Q, "interval": "1d", "statsPeriod": "3d", "timezone": "Europe/Berlin"}
    answer = api.get(SUMMARY, query).json()
    (project,) = answer["projects"]
    assert (answer["start"], answer["end"]) == ("2018-11-01T23:00:00Z", "2018-11-05T23:00:00Z")
    since = datetime.fromisoformat(answer["start"]).timestamp()
    assert project["stats"][0]["totals"][Q] == sum(row["quantity"] for row in counted if row["timestamp"] >= since)
