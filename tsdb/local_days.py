"""Days of a time zone: when each begins, and which buckets add up to it. Pure functions, as in timeline.py.

A day lasts from one local midnight to the next, so it has 23 or 25 hours when the clocks change. If they skip midnight,
the day begins with its first moment. If midnight comes twice, the day begins when the date changes for good.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tsdb.rollups import Rollup
from tsdb.timeline import Window
from tsdb.units import DAY, NS

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class LocalDays:
    """Days in a row. `starts` are their starts, ascending, and `end` is the end of the last one: seconds since the
    epoch."""

    zone: ZoneInfo
    starts: tuple[int, ...]
    end: int

    def divided_by(self, rollup: Rollup) -> bool:
        """Return whether each day is a sum of whole buckets of the rollup."""
        return not any(edge % rollup.seconds for edge in (*self.starts, self.end))

    def window(self, rollup: Rollup) -> Window:
        """Return the buckets of the days. The rollup must divide them."""
        return Window(rollup, self.starts[0] // rollup.seconds, self.end // rollup.seconds - 1)

    def add_up(self, window: Window, counts: Sequence[int]) -> list[int]:
        """Return the sum of each day. `counts` are those of a window that lies within the days."""
        sums = [0] * len(self.starts)
        for timestamp, count in zip(window.timestamps(), counts, strict=True):
            sums[bisect_right(self.starts, timestamp) - 1] += count
        return sums


def local_days(zone: ZoneInfo, since: int, until: int) -> LocalDays:
    """Return the days met by stepping back from `until`, a day of the local clock at a time, while it is >= `since`.

    `since` <= `until` are nanoseconds. As with any resolution, the day of `until` is always among them, the day of
    `since` only if a step falls into it. Raises ValueError or OverflowError for years that a date cannot have.
    """
    last, rest = datetime.fromtimestamp(until // NS, zone), until % NS
    clock = last.replace(tzinfo=None)

    def instant(steps: int) -> int:
        return int((clock - steps * _ONE_DAY).replace(tzinfo=zone).timestamp()) * NS + rest

    steps = (until - since) // (DAY * NS) + 2  # 2 more, for days of 23 hours and for a date that a zone left out
    while steps and instant(steps) < since:
        steps -= 1
    dates = [last.date() - back * _ONE_DAY for back in range(steps, -2, -1)]
    # A date that a zone left out begins when the next date does.
    edges = sorted({day_start(zone, one) for one in dates})
    return LocalDays(zone, tuple(edges[:-1]), edges[-1])


def days_between(zone: ZoneInfo, start: int, end: int) -> LocalDays:
    """Return the days of which any part lies in [`start`, `end`), seconds since the epoch. `start` is less than `end`.

    Raises ValueError or OverflowError for years that a date cannot have.
    """
    first, last = (datetime.fromtimestamp(instant, zone).date() for instant in (start, end - 1))
    edges = sorted({day_start(zone, first + step * _ONE_DAY) for step in range((last - first).days + 2)})
    return LocalDays(zone, tuple(edges[:-1]), edges[-1])


def first_day_from(zone: ZoneInfo, instant: int) -> int:
    """Return the start of the first day that begins at `instant` or later. Both are seconds since the epoch."""
    day = datetime.fromtimestamp(instant, zone).date()
    return next(start for offset in range(3) if (start := day_start(zone, day + offset * _ONE_DAY)) >= instant)


def day_start(zone: ZoneInfo, day: date) -> int:
    """Return the start of a date in a zone, seconds since the epoch."""
    midnights = [datetime.combine(day, time(fold=fold), zone) for fold in (0, 1)]
    starts = [int(midnight.astimezone(UTC).timestamp()) for midnight in midnights]
    # The two differ if midnight comes twice or not at all.
    changing = [start for start in starts if datetime.fromtimestamp(start - 1, zone).date() < day]
    return max(changing, default=starts[0])
