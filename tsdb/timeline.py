"""Time arithmetic of a query: pure functions of integers, no clock and no I/O.

An instant is an integer of nanoseconds since the UNIX epoch (`NS` to a second), so that a step back from `until`
is exact at any fraction of a second. A bucket is an integer: seconds since the epoch // the rollup's seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isqrt

from tsdb.rollups import FUTURE_SECONDS, PAST_SECONDS, Rollup
from tsdb.units import DAY, NS

ENVIRONMENTS = 0
"""Among the seconds of rollups in Retention.filled: since when environments count more than accepted events."""

_DIVISORS = sorted({part for n in range(1, isqrt(DAY) + 1) if DAY % n == 0 for part in (n, DAY // n)})
"""The lengths that divide a day, ascending."""


@dataclass(frozen=True)
class Retention:
    """Since when each rollup holds all that was counted.

    now: nanoseconds since the epoch. filled: for a rollup that a changed setting made anew or longer, by its seconds,
    the start of the first bucket that it holds (seconds since the epoch); it is empty where no setting was changed.
    counted: since when it was counted at all, at whatever resolution (seconds since the epoch); None: always.
    """

    now: int
    filled: Mapping[int, int] = field(default_factory=dict)
    counted: int | None = None

    def of_environments(self) -> Retention:
        """Of what environments count beside accepted events, which they did not always."""
        return replace(self, counted=self.filled.get(ENVIRONMENTS))

    def holds(self, rollup: Rollup, since: int) -> bool:
        """Whether a window that begins at `since` (nanoseconds) is complete at this rollup."""
        kept = self.now - (rollup.span + PAST_SECONDS) * NS
        filled = self._filled(rollup)
        return since >= kept and (filled is None or since >= filled * NS)

    def since(self, rollup: Rollup) -> int:
        """Start of the oldest bucket that is complete, seconds since the epoch."""
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
        return self.last - self.first + 1

    def timestamps(self) -> list[int]:
        """Where each bucket starts, seconds since the epoch, ascending."""
        step = self.rollup.seconds
        return list(range(self.first * step, (self.last + 1) * step, step))

    def held(self, now: int) -> Window:
        """The part of it, maybe none, that can hold anything at `now` (seconds since the epoch)."""
        first = max(self.first, self.rollup.oldest_bucket(now))
        last = min(self.last, self.rollup.bucket(now + FUTURE_SECONDS))
        return Window(self.rollup, first, max(last, first - 1))

    def widen(self, counts: list[int], part: Window) -> list[int]:
        """The counts of all its buckets, where those of `part` are known and all others are 0."""
        if not counts:
            return [0] * self.points
        return [0] * (part.first - self.first) + counts + [0] * (self.last - part.last)


def window(rollup: Rollup, since: int, until: int) -> Window:
    """The buckets met by stepping back from `until` while the instant is >= `since` (nanoseconds, since <= until).

    The bucket of `until` is always among them, the bucket of `since` only when a step falls into it.
    """
    step = rollup.seconds * NS
    last = until // step
    return Window(rollup, last - (until - since) // step, last)


def choose_rollup(rollups: Sequence[Rollup], since: int, until: int, retention: Retention) -> Rollup:
    """The finest rollup whose automatic span covers the window and that still holds its start (nanoseconds).

    Where none covers it, the coarsest serves. Where none of these holds the start but another rollup does, the coarsest
    that does is used, since any other would answer zeros. Where no rollup holds it any more, the length alone decides.
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
    """The finest interval, but none finer than asked, that is complete since `start`; and the rollup that serves it.

    An interval (seconds) divides a day, or is a rollup that is longer, and is a multiple of the rollup that serves it;
    `start` (seconds since the epoch) is floored to it. Where nothing is complete since then, it is what goes back
    furthest. None: the rollups make up no such interval.
    """
    lengths = [length for length in _DIVISORS if length >= asked]
    lengths += [rollup.seconds for rollup in rollups if rollup.seconds > DAY]
    served = [(length, rollup) for length in lengths for rollup in reversed(rollups) if length % rollup.seconds == 0]
    for length, rollup in served:
        if start - start % length >= retention.since(rollup):
            return length, rollup
    return min(served, key=lambda pair: retention.since(pair[1]), default=None)


def points_of(rollup: Rollup, since: int, until: int) -> int:
    return (until - since) // (rollup.seconds * NS) + 1


def roll_up(counts: Iterable[tuple[int, int]], seconds: int) -> list[tuple[int, int]]:
    """Adds (timestamp, count) pairs up into coarser buckets of `seconds`, ascending."""
    sums: dict[int, int] = {}
    for timestamp, count in counts:
        start = timestamp - timestamp % seconds
        sums[start] = sums.get(start, 0) + count
    return sorted(sums.items())


def _seconds(instant: int) -> int:
    """Whole seconds, cut towards zero."""
    return instant // NS if instant >= 0 else -(-instant // NS)
