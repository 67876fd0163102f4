from __future__ import annotations

import pytest
import time_machine
from django.test import Client

from projects import services
from projects.admin.last_day import last_day
from projects.models import Project
from tsdb.outcomes import Category, Outcome
from tsdb.rollups import parse_rollups
from tsdb.series import total
from tsdb.store import Increment, Store
from tsdb.timeline import Retention
from tsdb.units import NS

NOW = 1541455200 + 1234
"""In the middle of an hour, so that the last bucket is not over yet."""

HOUR = 3600


def count(project: Project, outcome: Outcome, at: int, amount: int, category: Category = Category.ERROR) -> None:
    services.count(project.pk, [Increment(total(project.pk, category, outcome), at, amount)], now=NOW)


def test_each_outcome_stands_in_its_hour_and_the_last_is_now(project: Project, store: Store) -> None:
    count(project, Outcome.ACCEPTED, NOW, 1)
    count(project, Outcome.FILTERED, NOW - HOUR, 20)
    count(project, Outcome.RATE_LIMITED, NOW - 2 * HOUR, 300)
    day = last_day(store, [project.pk], now=NOW * NS)[project.pk]
    assert day.received_hours == (0,) * 21 + (300, 20, 1)
    assert (day.received, day.of(Outcome.ACCEPTED), day.of(Outcome.RATE_LIMITED)) == (321, 1, 300)


def test_invalid_events_and_other_categories_are_not_received(project: Project, store: Store) -> None:
    count(project, Outcome.INVALID, NOW, 5)
    count(project, Outcome.ACCEPTED, NOW, 7, Category.TRANSACTION)
    assert last_day(store, [project.pk], now=NOW * NS)[project.pk].received == 0


@pytest.mark.parametrize("filled", [None, 30 * HOUR, 10 * HOUR])
def test_it_agrees_with_the_stats_endpoint(
    project: Project, store: Store, api: Client, monkeypatch: pytest.MonkeyPatch, filled: int | None
) -> None:
    """This holds even if a changed setting made the hours anew, less or more than a day ago."""
    if filled:
        since = {HOUR: (NOW - filled) // HOUR * HOUR}
        monkeypatch.setattr(Store, "retention", lambda self, projects, *, now: Retention(now, since))
    for hours in range(30):
        count(project, Outcome.ACCEPTED, NOW - hours * HOUR, 2**hours)
    with time_machine.travel(NOW, tick=False):
        answer = api.get("/api/0/projects/acme/web/stats/").json()
    day = last_day(store, [project.pk], now=NOW * NS)[project.pk]
    assert list(day.received_hours) == [number for _, number in answer]
    assert len(answer) == (1 if filled == 10 * HOUR else 24)


@pytest.mark.parametrize(("rollups", "points"), [("1m:1440", 25), ("1m:60,1h:24", 24), ("1d:90", 1)])
def test_any_rollups_give_at_most_an_hour_a_bar(project: Project, store: Store, rollups: str, points: int) -> None:
    other = Store(store.clients, parse_rollups(rollups))
    other.open(project.pk)
    other.incr([total(project.pk, Category.ERROR, Outcome.ACCEPTED)], NOW, now=NOW, amount=9)
    day = last_day(other, [project.pk], now=NOW * NS)[project.pk]
    assert (len(day.received_hours), day.received_hours[-1], day.received) == (points, 9, 9)
