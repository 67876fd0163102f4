"""Adding up the windows of many rings, with one addition for a ring of every group.

The slots of a window are read as one large integer, and the integers of many groups are put side by side. Adding two
such rows adds each slot, as long as no slot overflows into its neighbour. A row with a count so large that a sum might
overflow is added count by count.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from operator import add
from struct import Struct
from typing import Generic, TypeVar

from tsdb.rollups import INTEGER_BYTES
from tsdb.timeline import Window

AnyGroup = TypeVar("AnyGroup", bound=Hashable)

MOST_AT_ONCE = 2**16
"""How many small counts can be added before their sum may reach 2^64. A count below 2^48 is small: its first two bytes
are zeros."""

_FULL, _EMPTY = b"\xff" * INTEGER_BYTES, bytes(INTEGER_BYTES)


class Adder(Generic[AnyGroup]):
    """Sums of rings over one window, by group.

    A bucket older than `oldest`, the oldest that is still retained, counts as 0, and so does one that is newer than the
    ring's newest bucket.
    """

    def __init__(self, window: Window, oldest: int) -> None:
        self._window = window
        self._oldest = oldest
        self._slots = Struct(f">{INTEGER_BYTES}x{window.points}Q")
        self._masks: dict[bytes, bytes] = {}
        self._rows_of_masks: dict[bytes, int] = {}
        self._sums: dict[AnyGroup, list[int]] = {}

    def add(self, groups: Iterable[AnyGroup], rings: Sequence[bytes | None]) -> None:
        """Add each ring to its group; None stands for a ring that does not exist. At most MOST_AT_ONCE rings.

        A ring is given as its newest bucket and its slots of the window, in the window's order (see `ring.cut`).
        """
        of_group: dict[AnyGroup, list[bytes]] = {}
        for group, raw in zip(groups, rings, strict=True):
            if raw is not None:
                of_group.setdefault(group, []).append(raw)
        # The groups with the most rings come last, where a row ends, so a row of fewer groups is in line with the rest.
        ordered = sorted(of_group.items(), key=lambda pair: len(pair[1]))
        sums, done = 0, 0
        for number in range(len(ordered[-1][1]) if ordered else 0):
            while len(ordered[done][1]) <= number:
                done += 1
            row = [of[number] for _, of in ordered[done:]]
            together = b"".join(row)
            counts = int.from_bytes(together, "big") & self._mask(row)
            if _are_small(together):
                sums += counts
            else:
                self._add(ordered[done:], counts)
        self._add(ordered, sums)

    def sums(self) -> dict[AnyGroup, list[int]]:
        """Return the sums of each group that had a ring: one for each bucket of the window, ascending."""
        return self._sums

    def _add(self, groups: Sequence[tuple[AnyGroup, list[bytes]]], counts: int) -> None:
        """Add a row of counts to the sums of its groups."""
        row = counts.to_bytes(self._slots.size * len(groups), "big")
        for (group, _), numbers in zip(groups, self._slots.iter_unpack(row), strict=True):
            before = self._sums.get(group)
            self._sums[group] = list(map(add, before, numbers)) if before else list(numbers)

    def _mask(self, row: Sequence[bytes]) -> int:
        """Return a mask for a row of rings: all ones in the slots that count, zeros elsewhere."""
        newest = [raw[:INTEGER_BYTES] for raw in row]
        together = b"".join(newest)
        found = self._rows_of_masks.get(together)
        if found is None:
            masks = self._masks
            for one in set(newest) - masks.keys():
                masks[one] = self._mask_of_ring(one)
            found = int.from_bytes(b"".join([masks[one] for one in newest]), "big")
            self._rows_of_masks = {together: found}  # most often all rows have the same
        return found

    def _mask_of_ring(self, newest: bytes) -> bytes:
        """Return a mask for a ring with this newest bucket, which is no count, so its bits are zeros too."""
        window, last = self._window, int.from_bytes(newest, "big", signed=True)
        first = max(window.first, last - window.rollup.slots + 1, self._oldest)
        last = min(window.last, last)
        if first > last:
            return _EMPTY * (window.points + 1)
        return _EMPTY * (1 + first - window.first) + _FULL * (last - first + 1) + _EMPTY * (window.last - last)


def _are_small(numbers: bytes) -> bool:
    """Return whether all of these integers are small."""
    return not numbers[::INTEGER_BYTES].strip(b"\0") and not numbers[1::INTEGER_BYTES].strip(b"\0")
