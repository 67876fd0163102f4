"""Time arithmetic of a query: pure functions of integers, without a clock and without I/O.

An instant is an integer, nanoseconds since the UNIX epoch, so a step back from `until` is exact at any fraction of a
second. A bucket is an integer too: seconds since the epoch // seconds of the rollup.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isqrt

from tsdb.rollups import FUTURE_SECONDS, PAST_SECONDS, Rollup
from tsdb.units import DAY, NS

ENVIRONMENTS = 0
"""The key in `Retention.filled`, beside the seconds of rollups, of the instant since when environments count more than
accepted events."""

_DIVISORS = sorted({part for n in range(1, isqrt(DAY) + 1) if DAY % n == 0 for part in (n, DAY // n)})
"""The lengths that divide a day, ascending."""


Starts = range | tuple[int, ...]
"""The start of each point of an answer, seconds since the epoch, ascending."""


@dataclass(frozen=True)
class Retention:
    """Since when each rollup is complete, that is, holds all that was counted.

    now: nanoseconds since the epoch.
    filled: for a rollup that a changed setting made new or longer, by its seconds: the start of its first complete
        bucket, seconds since the epoch. Empty if no setting was changed.
    counted: since when this was counted at all, at any resolution, seconds since the epoch. None means always.
    """

    now: int
    filled: Mapping[int, int] = field(default_factory=dict)
    counted: int | None = None

    def of_environments(self) -> Retention:
        """Return the retention of what environments count beside accepted events.

        An earlier version counted accepted events only.
        """
        return replace(self, counted=self.filled.get(ENVIRONMENTS))

    def holds(self, rollup: Rollup, since: int) -> bool:
        """Return whether a window that begins at `since` (nanoseconds) is complete at this rollup."""
        kept = self.now - (rollup.span + PAST_SECONDS) * NS
        filled = self._filled(rollup)
        return since >= kept and (filled is None or since >= filled * NS)

    def since(self, rollup: Rollup) -> int:
        """Return the start of the oldest complete bucket, seconds since the epoch."""
        kept = rollup.oldest_bucket(self.now // NS) * rollup.seconds
        filled = self._filled(rollup)
        return kept if filled is None else max(kept, filled)

    def _filled(self, rollup: Rollup) -> int | None:
        filled = self.filled.get(rollup.seconds)
        if self.counted is None:
            return filled
        counted = -(-self.counted // rollup.seconds) * rollup.seconds
        return counted if filled is None else max(filled, counted)


@dataclass(frozen=True)
class Window:
    """The buckets `first` to `last` of a rollup, both included."""

    rollup: Rollup
    first: int
    last: int

    @property
    def points(self) -> int:
        """The number of buckets."""
        return self.last - self.first + 1

    def timestamps(self) -> range:
        """Return the start of each bucket, seconds since the epoch, ascending."""
        step = self.rollup.seconds
        return range(self.first * step, (self.last + 1) * step, step)

    def held(self, now: int) -> Window:
        """Return the part that can hold counts at `now` (seconds since the epoch). It may be empty."""
        first = max(self.first, self.rollup.oldest_bucket(now))
        last = min(self.last, self.rollup.bucket(now + FUTURE_SECONDS))
        return Window(self.rollup, first, max(last, first - 1))

    def widen(self, counts: list[int], part: Window) -> list[int]:
        """Return the counts of all buckets: `counts` are those of `part`, and all others are 0."""
        if not counts:
            return [0] * self.points
        if len(counts) == self.points:
            return counts
        return [0] * (part.first - self.first) + counts + [0] * (self.last - part.last)


def window(rollup: Rollup, since: int, until: int) -> Window:
    """Return the buckets met by stepping back from `until`, a bucket at a time, while the instant is >= `since`.

    `since` <= `until` are nanoseconds. The bucket of `until` is always among them, the bucket of `since` only if a step
    falls into it.
    """
    step = rollup.seconds * NS
    last = until // step
    return Window(rollup, last - (until - since) // step, last)


def choose_rollup(rollups: Sequence[Rollup], since: int, until: int, retention: Retention) -> Rollup:
    """Return the finest rollup whose automatic span covers the window and that still holds its start.

    `since` and `until` are nanoseconds. If no rollup covers the window, the coarsest counts as covering it. If no
    covering rollup holds the start, the coarsest of all rollups that hold it is returned, because the others would
    answer zeros. If none holds it any more, only the length of the window decides.
    """
    length = _seconds(until) - _seconds(since)
    covering = [one for one in rollups if one.automatic and one.automatic_span >= length] or [rollups[-1]]
    for rollup in (*covering, *reversed(rollups)):
        if retention.holds(rollup, since):
            return rollup
    return covering[0]


def choose_interval(
    rollups: Sequence[Rollup], asked: int, start: int, retention: Retention
) -> tuple[int, Rollup] | None:
    """Return the finest interval that is complete since `start`, and the rollup it is added up from.

    The interval is in seconds and not finer than `asked`. It divides a day, or is the length of a rollup longer than a
    day, and it is a multiple of its rollup's seconds. `start` (seconds since the epoch) is floored to it. If no
    interval is complete since then, the one that goes back furthest is returned. None means that the rollups make up no
    interval.
    """
    lengths = [length for length in _DIVISORS if length >= asked]
    lengths += [rollup.seconds for rollup in rollups if rollup.seconds > DAY]
    served = [(length, rollup) for length in lengths for rollup in reversed(rollups) if length % rollup.seconds == 0]
    for length, rollup in served:
        if start - start % length >= retention.since(rollup):
            return length, rollup
    return min(served, key=lambda pair: retention.since(pair[1]), default=None)


def points_of(rollup: Rollup, since: int, until: int) -> int:
    """Return how many buckets `window` has for these nanoseconds."""
    return (until - since) // (rollup.seconds * NS) + 1


def roll_up(counts: Iterable[tuple[int, int]], seconds: int) -> list[tuple[int, int]]:
    """Return the (timestamp, count) pairs added up into coarser buckets of `seconds`, ascending."""
    sums: dict[int, int] = {}
    for timestamp, count in counts:
        start = timestamp - timestamp % seconds
        sums[start] = sums.get(start, 0) + count
    return sorted(sums.items())


def _seconds(instant: int) -> int:
    """Return the whole seconds of an instant in nanoseconds, rounded towards zero."""
    return instant // NS if instant >= 0 else -(-instant // NS)
