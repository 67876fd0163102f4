"""What the last 24 hours brought to projects: errors by outcome, an hour at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from tsdb.outcomes import RECEIVED, Category, Outcome
from tsdb.series import total
from tsdb.store import Store
from tsdb.timeline import NS, choose_rollup, roll_up, window

DAY_SECONDS = 86399
"""As the stats endpoint looks back by default, so that their sums agree."""

HOUR_SECONDS = 3600


@dataclass(frozen=True)
class LastDay:
    """`hours` of each outcome that counts as received: ascending, the last is the hour that is now."""

    hours: Mapping[Outcome, tuple[int, ...]]

    @cached_property
    def received_hours(self) -> tuple[int, ...]:
        return tuple(sum(counts) for counts in zip(*self.hours.values(), strict=True))

    @property
    def received(self) -> int:
        return sum(self.received_hours)

    def of(self, outcome: Outcome) -> int:
        return sum(self.hours[outcome])


def last_day(store: Store, projects: Sequence[int], *, now: int) -> dict[int, LastDay]:
    """The last 24 hours of each project, in one round trip. `now` in nanoseconds since the epoch.

    Raises redis.exceptions.RedisError.
    """
    since = now - DAY_SECONDS * NS
    asked = window(choose_rollup(store.rollups, since, now, now), since, now)
    series = [total(project, Category.ERROR, outcome) for project in projects for outcome in RECEIVED]
    found = store.get_range(series, asked, now=now // NS)
    starts = asked.timestamps()

    def hours(project: int, outcome: Outcome) -> tuple[int, ...]:
        counts = found[total(project, Category.ERROR, outcome)]
        return tuple(count for _, count in roll_up(zip(starts, counts, strict=True), HOUR_SECONDS))

    return {project: LastDay({outcome: hours(project, outcome) for outcome in RECEIVED}) for project in projects}
