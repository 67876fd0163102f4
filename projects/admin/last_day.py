"""Errors that projects received in the last 24 hours, by outcome and hour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from projects.services import settled
from tsdb.outcomes import RECEIVED, Category, Outcome
from tsdb.rollups import Rollup
from tsdb.series import total
from tsdb.store import Store
from tsdb.timeline import Window, choose_rollup, roll_up, window
from tsdb.units import DAY, HOUR, NS

SECONDS_BACK = DAY - 1
"""The default window of the stats endpoint, in seconds, so that the sums of both agree."""


@dataclass(frozen=True)
class LastDay:
    """The counts of one project. `hours` maps each received outcome to counts by the hour, the present hour last."""

    hours: Mapping[Outcome, tuple[int, ...]]

    @cached_property
    def received_hours(self) -> tuple[int, ...]:
        """Received errors by the hour: the sum over all outcomes."""
        return tuple(sum(counts) for counts in zip(*self.hours.values(), strict=True))

    @property
    def received(self) -> int:
        """All received errors."""
        return sum(self.received_hours)

    def of(self, outcome: Outcome) -> int:
        """Return the number of errors with this outcome."""
        return sum(self.hours[outcome])


def last_day(store: Store, projects: Sequence[int], *, now: int) -> dict[int, LastDay]:
    """Return the counts of the last 24 hours for each project. `now` is in nanoseconds since the epoch.

    Takes one round trip for all projects whose counts are complete at the same resolution since the same time. These
    are all of them, unless TSDB_ROLLUPS was changed lately. Raises redis.exceptions.RedisError.
    """
    return settled(lambda: _last_day(store, projects, now=now))


def _last_day(store: Store, projects: Sequence[int], *, now: int) -> dict[int, LastDay]:
    since = now - SECONDS_BACK * NS
    store.retention(projects, now=now)  # one round trip for all projects that are new to this process
    alike: dict[tuple[Rollup, int], list[int]] = {}
    for project in projects:
        retention = store.retention([project], now=now)
        rollup = choose_rollup(store.rollups, since, now, retention)
        alike.setdefault((rollup, retention.since(rollup)), []).append(project)
    days: dict[int, LastDay] = {}
    for (rollup, complete), some in alike.items():
        asked = window(rollup, since, now)
        series = [total(project, Category.ERROR, outcome) for project in some for outcome in RECEIVED]
        found = store.get_range(series, asked, now=now // NS, since=complete)
        for project in some:
            counts = {outcome: found[total(project, Category.ERROR, outcome)] for outcome in RECEIVED}
            days[project] = LastDay({outcome: _hours(asked, counts[outcome]) for outcome in RECEIVED})
    return days


def _hours(asked: Window, counts: Sequence[int]) -> tuple[int, ...]:
    return tuple(count for _, count in roll_up(zip(asked.timestamps(), counts, strict=True), HOUR))
