"""A range has one total: at every endpoint, every interval and resolution, in JSON and in CSV, at any age."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

import pytest
import time_machine
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projects.models import Project
from tests.api.counting import DAY, HOUR, NOW, lines, post, row
from tsdb.outcomes import RECEIVED

pytestmark = pytest.mark.django_db

ORGANIZATION = "/api/0/organizations/acme"
CLOCK = NOW + 1234
Q = "sum(quantity)"
INTERVALS = {
    "10s": 10, "1m": 60, "5m": 300, "10m": 600, "15m": 900, "30m": 1800, "1h": HOUR, "2h": 2 * HOUR, "6h": 6 * HOUR,
    "12h": 12 * HOUR, "1d": DAY,
}  # fmt: skip
KEPT = {10: 3600, 300: 25 * HOUR, HOUR: 32 * DAY, DAY: 400 * DAY}
GROUPS: list[list[str]] = [["outcome"], ["project"], ["key_id"], ["reason", "category"], ["project", "outcome"]]


class Range(NamedTuple):
    """A range in seconds since the epoch, with its start and without its end."""

    start: int
    end: int


class Counted:
    """The rows that were counted, and the sums of any part of them."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    def __repr__(self) -> str:
        return f"{len(self.rows)} rows"

    def total(self, asked: Range, *slugs: str) -> int:
        return sum(
            one["quantity"]
            for one in self.rows
            if asked.start <= one["timestamp"] < asked.end and (not slugs or one["slug"] in slugs)
        )


@st.composite
def ranges(draw: st.DrawFn) -> Range:
    """Return ranges of any age up to 400 days whose ends are multiples of some interval. A few end in the future."""
    grain = draw(st.sampled_from(sorted(INTERVALS.values())))
    oldest = draw(st.sampled_from(sorted(KEPT.values())))
    age = draw(st.integers(0, oldest))
    start = (CLOCK - age) // grain * grain
    if start < CLOCK - max(KEPT.values()):
        start += grain
    length = draw(st.one_of(st.integers(1, 12), st.integers(1, max(1, age // grain + 2))))
    return Range(start, start + min(length, 1000) * grain)


@pytest.fixture(autouse=True)
def _held_clock() -> Iterator[None]:
    with time_machine.travel(CLOCK, tick=False):
        yield


@pytest.fixture
def counted(api: Client, project: Project, shop: Project) -> Counted:
    """Count errors of every age, many of them young, into two projects. Nothing else is retained."""
    chance = random.Random(7)
    found = []
    for one in (project, shop):
        key = one.keys.get().public
        ages = [chance.randrange(span) for span in KEPT.values() for _ in range(400)]
        rows = [
            row(
                chance.choice([*RECEIVED]),
                chance.randint(1, 10**6),
                age - (CLOCK - NOW),
                key=key,
                reason=chance.choice(["localhost", "key_quota"]),
            )
            for age in ages
        ]
        post(api, one.slug, *rows)
        found += [{**one_row, "slug": one.slug} for one_row in rows]
    return Counted(found)


def answered(response: Any) -> Range:
    assert response.status_code == 200, response.content
    answer = response.json()
    return Range(*(int(datetime.fromisoformat(answer[name]).timestamp()) for name in ("start", "end")))


def totals_of(response: Any) -> int:
    return sum(group["totals"][Q] for group in response.json()["groups"])


def column(response: Any, name: str) -> int:
    return sum(int(one[name]) for one in csv.DictReader(lines(response)))


def outcomes_by_every_interval(api: Client, counted: Counted, asked: Range) -> Range:
    """Check that each answer is the sum of the range that it names, and that all name the same range."""
    query: dict[str, Any] = {"field": Q, "category": "error", "start": asked.start, "end": asked.end}
    named = set()
    for interval, seconds in INTERVALS.items():
        if asked.start % seconds or asked.end % seconds or (asked.end - asked.start) / seconds > 1000:
            continue
        response = api.get(f"{ORGANIZATION}/stats_v2/", {**query, "interval": interval})
        whole = answered(response)
        named.add(whole)
        assert whole.start <= asked.start < asked.end <= whole.end
        assert int(response["X-Stats-Resolution"]) >= seconds
        assert int(response["X-Stats-Retained-Since"]) <= whole.start
        (group,) = response.json()["groups"]
        assert group["totals"][Q] == sum(group["series"][Q]) == counted.total(whole), interval
        assert len(group["series"][Q]) == len(response.json()["intervals"])
    (whole,) = named
    return whole


def outcomes_by_every_group(api: Client, counted: Counted, asked: Range, whole: Range) -> None:
    """Ask for the range without an interval, grouped in every way, and as a summary."""
    query: dict[str, Any] = {"field": Q, "category": "error", "start": asked.start, "end": asked.end}
    for groups in GROUPS:
        response = api.get(f"{ORGANIZATION}/stats_v2/", {**query, "groupBy": groups})
        assert totals_of(response) == counted.total(answered(response)), groups
        assert whole.start >= answered(response).start
    summary = api.get(f"{ORGANIZATION}/stats-summary/", query)
    shown = {one["slug"]: one["stats"][0]["totals"][Q] for one in summary.json()["projects"]}
    for slug in ("web", "shop"):
        assert shown.get(slug, 0) == counted.total(answered(summary), slug)
    table = list(csv.DictReader(lines(api.get(f"{ORGANIZATION}/stats-summary/", {**query, "download": "1"}))))
    assert {one["slug"]: int(one[Q]) for one in table} == shown
    assert {one["slug"]: sum(int(one[outcome]) for outcome in RECEIVED) for one in table} == shown


def points(api: Client, counted: Counted, asked: Range, resolution: str, key: str) -> None:
    """Ask for the stats of a project, of the organization and of a key, in every form."""
    query: dict[str, Any] = {"since": asked.start, "until": asked.end - 1, "resolution": resolution}
    web, organization = "/api/0/projects/acme/web/stats/", f"{ORGANIZATION}/stats/"
    response = api.get(web, query)
    assert response.status_code == 200, response.content
    used = int(response["X-Stats-Resolution"])
    found = response.json()
    shown = Range(int(found[0][0]), int(found[-1][0]) + used)
    assert resolution == "" or shown == asked
    assert int(response["X-Stats-Retained-Since"]) <= shown.start
    of_web, of_both = counted.total(shown, "web"), counted.total(shown)

    def added(pairs: Any) -> int:
        return sum(count for _, count in pairs)

    assert added(found) == of_web
    assert column(api.get(web, {**query, "format": "csv"}), "count") == of_web
    assert sum(added(api.get(web, {**query, "stat": stat}).json()) for stat in ("generated", "blacklisted", "rejected")
               ) == of_web  # fmt: skip
    assert added(api.get(organization, query).json()) == of_both
    assert column(api.get(organization, {**query, "format": "csv"}), "count") == of_both
    grouped = {**query, "group": "project"}
    assert sum(map(added, api.get(organization, grouped).json().values())) == of_both
    assert column(api.get(organization, {**grouped, "format": "csv"}), "count") == of_both
    of_key = api.get(f"/api/0/projects/acme/web/keys/{key}/stats/", query).json()
    assert sum(one["total"] for one in of_key) == of_web
    assert sum(one["dropped"] + one["filtered"] + one["accepted"] for one in of_key) == of_web


def by_example(check: Callable[..., None]) -> Callable[..., None]:
    """The examples share the counts, because they do not change them."""
    shared = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    return settings(max_examples=60, deadline=None, suppress_health_check=shared)(check)


@by_example
@given(asked=ranges())
def test_the_outcomes_of_a_range_are_the_same_by_every_interval_and_group(
    api: Client, counted: Counted, asked: Range
) -> None:
    whole = outcomes_by_every_interval(api, counted, asked)
    outcomes_by_every_group(api, counted, asked, whole)


@by_example
@given(asked=ranges(), data=st.data())
def test_the_points_of_a_range_add_up_to_the_same_at_every_resolution(
    api: Client, project: Project, counted: Counted, asked: Range, data: st.DataObject
) -> None:
    key = project.keys.get().public
    fitting = [
        f"{seconds}s"
        for seconds, span in KEPT.items()
        if asked.start >= CLOCK - span and asked.start % seconds == asked.end % seconds == 0
    ]
    points(api, counted, asked, data.draw(st.sampled_from(["", *fitting])), key)
