"""Reading a ring: a series at one rollup, one string of fixed size.

    | newest bucket (i64) | slot 0 | slot 1 | … | slot n-1 |      big-endian; bucket b lies in slot b mod n

What is newer than `newest`, has fallen out of the ring, or is no longer retained reads as 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct, unpack_from

from tsdb.rollups import INTEGER_BYTES, Rollup
from tsdb.timeline import Window

_HEADER = Struct(">q")


def read(raw: bytes | None, window: Window, oldest: int) -> tuple[int, ...]:
    """The counts of the window's buckets, ascending; `oldest` is the oldest bucket still retained."""
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
    """Where a ring has the window's slots: the first and last byte of a stretch, and of another, which may be empty."""
    slots = window.rollup.slots
    start, end = window.first % slots, window.last % slots
    if start <= end:
        return _byte(start), _byte(end + 1) - 1, 1, 0
    return _byte(start), _byte(slots) - 1, _byte(0), _byte(end + 1) - 1


def cut(rings: Iterable[bytes | None], window: Window) -> list[bytes | None]:
    """Of whole rings each one's header and the window's stretches."""
    first, last, second, final = stretches(window)
    header, last, final = _HEADER.size, last + 1, final + 1
    if second >= final:
        return [raw and raw[:header] + raw[first:last] for raw in rings]
    return [raw and raw[:header] + raw[first:last] + raw[second:final] for raw in rings]


def read_window(raw: bytes, window: Window, oldest: int) -> tuple[int, ...]:
    """As `read`, of the header and the window's stretches alone."""
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
    """Every (bucket, count) in the ring that is not 0, ascending."""
    newest: int = _HEADER.unpack_from(raw)[0]
    whole = Window(rollup, max(0, newest - rollup.slots + 1), newest)
    counts = read(raw, whole, whole.first)
    return [(whole.first + offset, count) for offset, count in enumerate(counts) if count]


def _slots(raw: bytes, first: int, last: int) -> tuple[int, ...]:
    return unpack_from(f">{last - first + 1}q", raw, _byte(first))


def _byte(slot: int) -> int:
    """Where a slot begins."""
    return _HEADER.size + INTEGER_BYTES * slot
