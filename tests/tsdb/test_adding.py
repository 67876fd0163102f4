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
COUNTS = st.one_of(st.just(0), st.integers(0, 100), st.integers(2**44 - 2, 2**44 + 2), st.integers(0, LARGEST))
RINGS = st.none() | st.tuples(
    st.integers(BUCKET - 2 * ROLLUP.slots, BUCKET + 12), st.lists(COUNTS, min_size=ROLLUP.slots, max_size=ROLLUP.slots)
).map(lambda parts: pack(f">q{ROLLUP.slots}q", parts[0], *parts[1]))


@given(
    rings=st.lists(st.tuples(st.sampled_from("ab"), RINGS), max_size=8),
    first=st.integers(-ROLLUP.slots, 5),
    points=st.integers(1, ROLLUP.slots),
    room=st.sampled_from([2, adding.MOST_AT_ONCE]),
)
def test_it_is_what_reading_each_ring_and_adding_them_up_gives(
    rings: list[tuple[str, Any]], first: int, points: int, room: int
) -> None:
    window = Window(ROLLUP, BUCKET + first, BUCKET + first + points - 1)
    oldest = ROLLUP.oldest_bucket(NOW)
    expected: dict[str, list[int]] = {}
    adder: Adder[str] = Adder(window, oldest)
    adder._room = room
    for group, raw in rings:
        if raw is not None:
            before = expected.setdefault(group, [0] * points)
            read = ring.read(raw, window, oldest)
            expected[group] = [a + b for a, b in zip(before, read, strict=True)]
        adder.add([group], ring.cut([raw], window))
    assert adder.sums() == expected
