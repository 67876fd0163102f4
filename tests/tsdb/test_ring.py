"""Reading a ring, compared with the dictionary of counts that it was made from."""

from __future__ import annotations

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsdb import ring
from tsdb.rollups import Rollup
from tsdb.timeline import Window

pytestmark = pytest.mark.once

ROLLUP = Rollup(20, 3)  # seven slots

newest_buckets = st.integers(0, 40)
amounts = st.lists(st.integers(0, 2**63 - 1), min_size=ROLLUP.slots, max_size=ROLLUP.slots)


def laid_out(newest: int, held: dict[int, int]) -> bytes:
    slots = [0] * ROLLUP.slots
    for bucket, count in held.items():
        slots[bucket % ROLLUP.slots] = count
    return pack(f">q{ROLLUP.slots}q", newest, *slots)


def held_by(newest: int, counts: list[int]) -> dict[int, int]:
    buckets = range(newest - ROLLUP.slots + 1, newest + 1)
    return {bucket: count for bucket, count in zip(buckets, counts, strict=True) if bucket >= 0}


@given(newest_buckets, amounts, st.integers(-60, 60), st.integers(0, 30), st.integers(-60, 60))
def test_it_reads_what_is_held_and_retained_and_0_everywhere_else(
    newest: int, counts: list[int], first: int, length: int, oldest: int
) -> None:
    held = held_by(newest, counts)
    window = Window(ROLLUP, first, first + length)
    expected = [held.get(bucket, 0) if bucket >= oldest else 0 for bucket in range(first, first + length + 1)]
    assert list(ring.read(laid_out(newest, held), window, oldest)) == expected


@given(newest_buckets, amounts, st.integers(0, 60), st.integers(0, ROLLUP.slots - 1), st.integers(-60, 60))
def test_of_a_window_alone_it_reads_what_it_reads_of_the_whole_ring(
    newest: int, counts: list[int], first: int, length: int, oldest: int
) -> None:
    raw, window = laid_out(newest, held_by(newest, counts)), Window(ROLLUP, first, first + length)
    start, end, second_start, second_end = ring.stretches(window)
    part = raw[:8] + raw[start : end + 1] + raw[second_start : second_end + 1]
    assert len(part) == 8 * (1 + window.points)
    assert ring.read_window(part, window, oldest) == ring.read(raw, window, oldest)


@given(newest_buckets, amounts)
def test_it_lists_every_bucket_that_is_not_0(newest: int, counts: list[int]) -> None:
    held = held_by(newest, counts)
    assert ring.buckets(laid_out(newest, held), ROLLUP) == [pair for pair in sorted(held.items()) if pair[1]]


def test_a_ring_that_is_not_there_reads_as_0() -> None:
    assert ring.read(None, Window(ROLLUP, 5, 7), 0) == (0, 0, 0)
