"""Reading a ring: a series at one rollup, kept as one string of fixed size.

    | newest bucket (i64) | slot 0 | slot 1 | … | slot n-1 |      big-endian; bucket b is in slot b mod n

A bucket reads as 0 if it is newer than the newest bucket, has left the ring, or is no longer retained.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct, unpack_from

from tsdb.rollups import INTEGER_BYTES, Rollup
from tsdb.timeline import Window

_HEADER = Struct(">q")


def read(raw: bytes | None, window: Window, oldest: int) -> tuple[int, ...]:
    """Return the counts of the window's buckets, ascending, from a whole ring; None stands for a missing ring.

    `oldest` is the oldest bucket that is still retained.
    """
    if raw is None:
        return (0,) * window.points
    slots = window.rollup.slots
    newest: int = _HEADER.unpack_from(raw)[0]
    first = max(window.first, newest - slots + 1, oldest)
    last = min(window.last, newest)
    if first > last:
        return (0,) * window.points
    start, end = first % slots, last % slots
    if start <= end:
        counts = _slots(raw, start, end)
    else:
        counts = _slots(raw, start, slots - 1) + _slots(raw, 0, end)
    if len(counts) == window.points:
        return counts
    return (0,) * (first - window.first) + counts + (0,) * (window.last - last)


def stretches(window: Window) -> tuple[int, int, int, int]:
    """Return where in a ring the window's slots are: the first and the last byte of two stretches.

    The second stretch is empty (its last byte is 0, before its first) unless the window wraps around the ring's end.
    """
    slots = window.rollup.slots
    start, end = window.first % slots, window.last % slots
    if start <= end:
        return _byte(start), _byte(end + 1) - 1, 1, 0
    return _byte(start), _byte(slots) - 1, _byte(0), _byte(end + 1) - 1


def cut(rings: Iterable[bytes | None], window: Window) -> list[bytes | None]:
    """Return one string for each whole ring: its newest bucket and the window's stretches. None stays None."""
    first, last, second, final = stretches(window)
    header, last, final = _HEADER.size, last + 1, final + 1
    if second >= final:
        return [raw and raw[:header] + raw[first:last] for raw in rings]
    return [raw and raw[:header] + raw[first:last] + raw[second:final] for raw in rings]


def read_window(raw: bytes, window: Window, oldest: int) -> tuple[int, ...]:
    """Return the counts of the window's buckets, as `read` does, from a string that `cut` made."""
    newest: int = _HEADER.unpack_from(raw)[0]
    points = window.last - window.first + 1
    counts = unpack_from(f">{points}q", raw, _HEADER.size)
    first = max(window.first, newest - window.rollup.slots + 1, oldest)
    last = min(window.last, newest)
    if first == window.first and last == window.last:
        return counts
    if first > last:
        return (0,) * points
    held = counts[first - window.first : last - window.first + 1]
    return (0,) * (first - window.first) + held + (0,) * (window.last - last)


def buckets(raw: bytes, rollup: Rollup) -> list[tuple[int, int]]:
    """Return (bucket, count) for each count in the ring that is not 0, ascending."""
    newest: int = _HEADER.unpack_from(raw)[0]
    whole = Window(rollup, max(0, newest - rollup.slots + 1), newest)
    counts = read(raw, whole, whole.first)
    return [(whole.first + offset, count) for offset, count in enumerate(counts) if count]


def _slots(raw: bytes, first: int, last: int) -> tuple[int, ...]:
    return unpack_from(f">{last - first + 1}q", raw, _byte(first))


def _byte(slot: int) -> int:
    """Return the byte at which a slot begins."""
    return _HEADER.size + INTEGER_BYTES * slot
