"""The range of an answer of stats_v2 and stats-summary: its interval, and the rollup from which it is read."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

from statsapi.api.errors import BadQuery
from statsapi.api.stats.query import rollup_of_days
from statsapi.api.stats.v2_query import START, Asked
from tsdb.local_days import LocalDays, days_between, first_day_from
from tsdb.rollups import Rollup
from tsdb.timeline import Retention, Window, choose_interval
from tsdb.units import DAY, NS

MAX_INTERVALS = 1000
TOO_MANY = "Your interval and date range would create too many results. Use a larger interval, or a smaller date range."


@dataclass(frozen=True)
class StatsRange:
    """The range of an answer. `start` and `end` are seconds since the epoch and multiples of `interval`.

    Its counts are read from `rollup`. With `days`, each interval is a day of a time zone.
    """

    start: int
    end: int
    interval: int
    rollup: Rollup
    retention: Retention
    days: LocalDays | None = None

    @property
    def now(self) -> int:
        """The request's one clock, whole seconds since the epoch."""
        return self.retention.now // NS

    @cached_property
    def retained_since(self) -> int:
        """The start of the rollup's oldest complete bucket, seconds since the epoch."""
        return self.retention.since(self.rollup)

    @cached_property
    def complete_since(self) -> int:
        """The start of the oldest complete interval, seconds since the epoch."""
        if self.days:
            return first_day_from(self.days.zone, self.retained_since)
        return self.retained_since + -self.retained_since % self.interval

    @cached_property
    def starts(self) -> Sequence[int]:
        """The start of each interval, seconds since the epoch, ascending."""
        return self.days.starts if self.days else range(self.start, self.end, self.interval)

    @property
    def points(self) -> int:
        """The number of intervals."""
        return len(self.starts)

    @cached_property
    def window(self) -> Window:
        """The rollup's buckets from start to end that can hold anything."""
        return self._whole.held(self.now)

    @cached_property
    def _whole(self) -> Window:
        """The rollup's buckets from start to end."""
        seconds = self.rollup.seconds
        return Window(self.rollup, self.start // seconds, self.end // seconds - 1)

    @cached_property
    def places(self) -> list[int]:
        """The interval of each bucket of the window, as an index."""
        if self.days:
            return [bisect_right(self.days.starts, timestamp) - 1 for timestamp in self.window.timestamps()]
        return [(timestamp - self.start) // self.interval for timestamp in self.window.timestamps()]

    def add_up(self, counts: list[int]) -> list[int]:
        """Return a count for each interval from the counts of the window's buckets."""
        if self.interval == self.rollup.seconds:
            return self._whole.widen(counts, self.window)
        added = [0] * self.points
        for place, count in zip(self.places, counts, strict=True):
            added[place] += count
        return added

    @property
    def headers(self) -> dict[str, str]:
        """The headers that describe the answer: the interval, and the start of the oldest complete one."""
        headers = {"X-Stats-Resolution": str(self.interval), "X-Stats-Retained-Since": str(self.complete_since)}
        return {**headers, "X-Stats-Timezone": self.days.zone.key} if self.days else headers


def choose_range(asked: Asked, rollups: Sequence[Rollup], retention: Retention) -> StatsRange:
    """Return the range at the finest interval that is complete and no shorter than the one asked for.

    Raises BadQuery.
    """
    chosen = choose_interval(rollups, asked.interval, asked.start, retention)
    if chosen is None:
        raise BadQuery("No resolution that is kept here divides a day.")
    interval, rollup = chosen
    if asked.zone and interval == DAY:
        return _days(asked, asked.zone, rollups, retention)
    start, end = asked.start - asked.start % interval, asked.end + -asked.end % interval
    if (end - start) // interval > MAX_INTERVALS:
        raise BadQuery(TOO_MANY)
    return StatsRange(start, end, interval, rollup, retention)


def _days(asked: Asked, zone: ZoneInfo, rollups: Sequence[Rollup], retention: Retention) -> StatsRange:
    """Return the range in days of a zone. Raises BadQuery."""
    if (asked.end - asked.start) // DAY > MAX_INTERVALS:
        raise BadQuery(TOO_MANY)
    days = days_between(zone, asked.start, asked.end)  # all in calendars, because the start is not after now
    if len(days.starts) > MAX_INTERVALS:
        raise BadQuery(TOO_MANY)
    rollup, _ = rollup_of_days(days, rollups, retention, START.name)
    return StatsRange(days.starts[0], days.end, DAY, rollup, retention, days)
