"""Time arithmetic of a query: pure functions of integers, no clock and no I/O.

An instant is an integer of nanoseconds since the UNIX epoch (`NS` to a second), so that a step back from `until`
is exact at any fraction of a second. A bucket is an integer: seconds since the epoch // the rollup's seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tsdb.rollups import FUTURE_SECONDS, Rollup

NS = 1_000_000_000


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


def choose_rollup(rollups: Sequence[Rollup], since: int, until: int, now: int) -> Rollup:
    """The finest rollup that covers the length of the window and still holds its start (all in nanoseconds).

    Where no rollup holds the start any more the length alone decides, and where none covers it, the coarsest serves.
    """
    length = _seconds(until) - _seconds(since)
    covering = [rollup for rollup in rollups if rollup.span >= length] or [rollups[-1]]
    holding = [rollup for rollup in covering if since >= now - rollup.span * NS]
    return (holding or covering)[0]


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
