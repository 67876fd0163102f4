"""Adding up the windows of many rings, with one addition for all buckets of a ring.

The slots of a window are read as one large integer. Adding two such integers adds each slot, as long as no slot
overflows into its neighbour. This takes a tenth of the time of adding the counts one by one, and no memory for each
ring. A ring with a count so large that a sum might overflow is added count by count.
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
"""A count below 2^44, eighteen million millions, is small."""

MOST_AT_ONCE = 2 ** (8 * INTEGER_BYTES - 1 - _SMALL_BITS)
"""How many small counts can be added before their sum may reach 2^63."""

_FULL, _EMPTY = b"\xff" * INTEGER_BYTES, bytes(INTEGER_BYTES)
_LARGE = (2 ** (8 * INTEGER_BYTES) - 2**_SMALL_BITS).to_bytes(INTEGER_BYTES, "big")


class Adder(Generic[AnyGroup]):
    """Sums of rings over one window, by group.

    A bucket older than `oldest`, the oldest that is still retained, counts as 0, and so does one that is newer than the
    ring's newest bucket.
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
        """Add each ring to its group; None stands for a ring that does not exist.

        A ring is given as its newest bucket and its slots of the window, in the window's order (see `ring.cut`).
        """
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
        """Return the sums of each group that had a ring: one for each bucket of the window, ascending."""
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
        """Return a mask for a ring with this newest bucket: all ones in the slots that count, zeros elsewhere.

        The first integer of a ring is its newest bucket and no count, so its bits are zeros too.
        """
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
    """Return a mask for `points` buckets. Its ones are the bits that are 0 in every small count (_SMALL_BITS)."""
    return int.from_bytes(_LARGE * points, "big")
