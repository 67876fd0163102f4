"""Adding up rings gives the same sums as adding their counts one by one, however large the counts are."""

from __future__ import annotations

from struct import pack
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.tsdb.tools import NOW, TINY
from tsdb import adding, ring
from tsdb.adding import Adder
from tsdb.rollups import LARGEST
from tsdb.timeline import Window

ROLLUP = TINY[1]
BUCKET = ROLLUP.bucket(NOW)
COUNTS = st.one_of(st.just(0), st.integers(0, 100), st.integers(2**48 - 2, 2**48 + 2), st.integers(0, LARGEST))
RINGS = st.none() | st.tuples(
    st.integers(BUCKET - 2 * ROLLUP.slots, BUCKET + 12), st.lists(COUNTS, min_size=ROLLUP.slots, max_size=ROLLUP.slots)
).map(lambda parts: pack(f">q{ROLLUP.slots}q", parts[0], *parts[1]))


@given(
    chunks=st.lists(st.lists(st.tuples(st.sampled_from("abc"), RINGS), max_size=8), max_size=3),
    first=st.integers(-ROLLUP.slots, 5),
    points=st.integers(0, ROLLUP.slots),
)
def test_it_is_what_reading_each_ring_and_adding_them_up_gives(
    chunks: list[list[tuple[str, Any]]], first: int, points: int
) -> None:
    window = Window(ROLLUP, BUCKET + first, BUCKET + first + points - 1)
    oldest = ROLLUP.oldest_bucket(NOW)
    expected: dict[str, list[int]] = {}
    adder: Adder[str] = Adder(window, oldest)
    for chunk in chunks:
        for group, raw in chunk:
            if raw is not None:
                before = expected.setdefault(group, [0] * points)
                read = ring.read(raw, window, oldest)
                expected[group] = [a + b for a, b in zip(before, read, strict=True)]
        adder.add([group for group, _ in chunk], ring.cut([raw for _, raw in chunk], window))
    assert adder.sums() == expected


def test_as_many_small_counts_as_may_be_added_at_once_do_not_overflow() -> None:
    window = Window(ROLLUP, BUCKET - 1, BUCKET)
    raw = pack(f">q{ROLLUP.slots}q", BUCKET, *[2**48 - 1] * ROLLUP.slots)
    adder: Adder[str] = Adder(window, ROLLUP.oldest_bucket(NOW))
    adder.add(["a"] * adding.MOST_AT_ONCE, ring.cut([raw], window) * adding.MOST_AT_ONCE)
    assert adder.sums() == {"a": [(2**48 - 1) * adding.MOST_AT_ONCE] * 2}
