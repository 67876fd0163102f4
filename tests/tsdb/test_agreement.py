"""All resolutions agree, in whatever order counts come, and repeats change nothing."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tsdb.tools import NOW, sums
from tsdb.series import Series
from tsdb.store import Claim, Increment, Store
from tsdb.units import DAY, HOUR

SERIES = [Series(7, "t:error:accepted"), Series(7, "t:error:filtered"), Series(8, "t:error:accepted")]

increments = st.builds(Increment, st.sampled_from(SERIES), st.integers(NOW - 3600, NOW + 59), st.integers(1, 10**12))
ages = st.one_of(*(st.integers(least, most) for least, most in pairwise((-59, HOUR, DAY, 33 * DAY, 402 * DAY))))
on_a_store = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def emptied(store: Store) -> None:
    store.delete([7, 8])
    store.open(7)
    store.open(8)


def rings(store: Store) -> dict[str, bytes | str | None]:
    keys = [series.key(rollup) for series in SERIES for rollup in store.rollups]
    return dict(zip(keys, store.clients.read.mget(keys), strict=True))


@on_a_store
@given(st.lists(increments, max_size=40), st.randoms(use_true_random=False), st.integers(1, 5))
def test_counted_in_any_order_and_in_any_pieces_every_rollup_has_the_same_sum(
    store: Store, counted: list[Increment], order: random.Random, pieces: int
) -> None:
    emptied(store)
    store.incr_multi(counted, now=NOW)
    expected = {series: sum(amount for one, _, amount in counted if one == series) for series in SERIES}
    assert {series: sums(store, series) for series in SERIES} == {
        series: [amount] * 4 for series, amount in expected.items()
    }
    first = rings(store)

    emptied(store)
    shuffled = list(counted)
    order.shuffle(shuffled)
    for piece in range(pieces):
        _count(store, order, shuffled[piece::pieces])
    assert rings(store) == first


def _count(store: Store, order: random.Random, counted: Sequence[Increment]) -> None:
    way = order.choice(["one by one", "together", "bulk"])
    if way == "one by one":
        for series, timestamp, amount in counted:
            store.incr([series], timestamp, now=NOW, amount=amount)
    elif way == "together":
        store.incr_multi(counted, now=NOW)
    else:
        store.incr_bulk(counted, now=NOW)


@on_a_store
@given(st.lists(st.tuples(ages, st.integers(1, 1000)), min_size=1, max_size=40))
def test_a_coarser_rollup_has_all_that_a_finer_one_has(store: Store, counted: list[tuple[int, int]]) -> None:
    emptied(store)
    for age, amount in counted:
        store.incr([SERIES[0]], NOW - age, now=NOW, amount=amount)
    for rollup, found in zip(store.rollups, sums(store, SERIES[0]), strict=True):
        oldest = rollup.oldest_bucket(NOW)
        assert found == sum(amount for age, amount in counted if rollup.bucket(NOW - age) >= oldest)


@on_a_store
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3600), st.integers(1, 9)), max_size=30),
    st.randoms(use_true_random=False),
)
def test_repeating_any_claims_changes_nothing(
    store: Store, events: list[tuple[int, int, int]], order: random.Random
) -> None:
    emptied(store)
    first = {number: (age, amount) for number, age, amount in reversed(events)}
    for number, (age, amount) in first.items():
        assert store.incr_multi(
            [Increment(SERIES[0], NOW - age, amount)], now=NOW, claim=Claim(str(number), "same", 60)
        )
    before = rings(store)
    repeats = [number for number in first for _ in range(3)]
    order.shuffle(repeats)
    for number in repeats:
        age, amount = first[number]
        assert not store.incr_multi(
            [Increment(SERIES[0], NOW - age, amount)], now=NOW, claim=Claim(str(number), "same", 60)
        )
    assert rings(store) == before
    assert sums(store, SERIES[0]) == [sum(amount for _, amount in first.values())] * 4
