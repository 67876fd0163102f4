"""Adding up the windows of many rings, all buckets of a ring in one addition.

The slots of a window, one behind the other, are one large integer; the sum of two of them is the sum of each slot, as
long as none overflows into its neighbour. That takes a tenth of the time that adding up numbers takes, and no memory
for each ring. A ring with a count so large that the sum of all might overflow is added number by number.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from functools import lru_cache
from operator import add
from struct import unpack
from typing import Generic, TypeVar

from tsdb.rollups import INTEGER_BYTES
from tsdb.timeline import Window

AnyGroup = TypeVar("AnyGroup", bound=Hashable)

_SMALL_BITS = 44
"""A count below 2^44 is small: eighteen million millions in one bucket are not."""

MOST_AT_ONCE = 2 ** (8 * INTEGER_BYTES - 1 - _SMALL_BITS)
"""So many small counts stay below 2^63 together."""

_FULL, _EMPTY = b"\xff" * INTEGER_BYTES, bytes(INTEGER_BYTES)
_LARGE = (2 ** (8 * INTEGER_BYTES) - 2**_SMALL_BITS).to_bytes(INTEGER_BYTES, "big")


class Adder(Generic[AnyGroup]):
    """Sums by group. What is added is a ring's newest bucket and its slots of the window, in the window's order.

    `oldest` is the oldest bucket still retained: what is older counts as 0, and so does what is newer than the newest.
    """

    def __init__(self, window: Window, oldest: int) -> None:
        self._window = window
        self._oldest = oldest
        self._masks: dict[bytes, int] = {}
        self._large = _large(window.points)
        self._small_sums: dict[AnyGroup, int] = {}
        self._room = MOST_AT_ONCE
        self._sums: dict[AnyGroup, list[int]] = {}

    def add(self, groups: Iterable[AnyGroup], rings: Sequence[bytes | None]) -> None:
        """Adds each ring to its group; None: there is no ring."""
        masks, large, sums = self._masks, self._large, self._small_sums
        self._room -= len(rings)
        if self._room < 0:
            self._flush()
            self._room = MOST_AT_ONCE - len(rings)
        for group, raw in zip(groups, rings, strict=True):
            if raw is None:
                continue
            newest = raw[:INTEGER_BYTES]
            mask = masks.get(newest)
            if mask is None:
                mask = masks[newest] = self._mask(newest)
            counts = int.from_bytes(raw, "big") & mask
            if counts & large:
                self._add(group, counts)
            else:
                sums[group] = sums.get(group, 0) + counts

    def sums(self) -> dict[AnyGroup, list[int]]:
        """A sum for each bucket of the window, ascending, of each group that had a ring."""
        self._flush()
        return self._sums

    def _flush(self) -> None:
        for group, counts in self._small_sums.items():
            self._add(group, counts)
        self._small_sums.clear()

    def _add(self, group: AnyGroup, counts: int) -> None:
        points = self._window.points
        numbers = unpack(f">{points}Q", counts.to_bytes(points * INTEGER_BYTES, "big"))
        before = self._sums.get(group)
        self._sums[group] = list(map(add, before, numbers)) if before else list(numbers)

    def _mask(self, newest: bytes) -> int:
        """All ones in the slots that count, of a ring with that newest bucket; its first integer is no count at all."""
        window, last = self._window, int.from_bytes(newest, "big", signed=True)
        first = max(window.first, last - window.rollup.slots + 1, self._oldest)
        last = min(window.last, last)
        if first > last:
            return 0
        if first == window.first and last == window.last:
            return _all(window.points)
        slots = (first - window.first, last - first + 1, window.last - last)
        return int.from_bytes(_EMPTY * slots[0] + _FULL * slots[1] + _EMPTY * slots[2], "big")


@lru_cache(maxsize=100)
def _all(points: int) -> int:
    return int.from_bytes(_FULL * points, "big")


@lru_cache(maxsize=100)
def _large(points: int) -> int:
    """Ones where a count that is not small has one, of so many buckets."""
    return int.from_bytes(_LARGE * points, "big")
