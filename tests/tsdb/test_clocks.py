"""Timestamps that are late or ahead, and clocks that are wrong. Redis' own clock is the machine's real clock here."""

from __future__ import annotations

import time

import pytest

from tests.tsdb.tools import NOW, WEB, counts, keys_of, merge, sums
from tsdb.rollups import FUTURE_SECONDS, LARGEST, PAST_SECONDS
from tsdb.series import Series
from tsdb.store import Increment, Store
from tsdb.units import DAY, HOUR


@pytest.fixture
def web(store: Store) -> Store:
    """A store with the default rollups, in which project 7 is open."""
    store.open(7)
    return store


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (HOUR, [1, 1, 1, 1]),
        (HOUR + PAST_SECONDS, [1, 1, 1, 1]),
        (HOUR + PAST_SECONDS + 1, [0, 1, 1, 1]),
        (301 * 5 * 60, [0, 1, 1, 1]),
        (301 * 5 * 60 + 1, [0, 0, 1, 1]),
        (769 * HOUR, [0, 0, 1, 1]),
        (769 * HOUR + 1, [0, 0, 0, 1]),
        (400 * DAY + 22 * HOUR, [0, 0, 0, 1]),
        (400 * DAY + 22 * HOUR + 1, [0, 0, 0, 0]),
        (10_000 * DAY, [0, 0, 0, 0]),
    ],
)
def test_what_is_late_is_counted_where_it_is_still_retained_alone(web: Store, age: int, expected: list[int]) -> None:
    web.incr([WEB], NOW - age, now=NOW)
    assert sums(web, WEB) == expected
    kept = [rollup.name for rollup, count in zip(web.rollups, expected, strict=True) if count]
    rings = {f"ts:{{7}}:t:error:accepted:{name}" for name in kept}
    assert keys_of(web, 7) == rings | {"ts:{7}:state"} | ({"ts:{7}:index", "ts:{7}:running"} if rings else set())


def test_what_is_late_touches_nothing_else_and_deletes_no_key(web: Store) -> None:
    web.incr([WEB], NOW, now=NOW, amount=5)
    client = web.clients.write
    keys = sorted(keys_of(web, 7))
    finest = WEB.key(web.rollups[0])
    client.expire(finest, 1000)
    before = [counts(web, WEB, rollup) for rollup in web.rollups]
    for age in (2 * HOUR, 8 * DAY, 100 * DAY, 10_000 * DAY):
        web.incr([WEB], NOW - age, now=NOW)
    after = [counts(web, WEB, rollup) for rollup in web.rollups]
    assert after[0] == before[0]
    assert after[1] == {**before[1], NOW - 2 * HOUR: 1}
    assert after[2] == {**before[2], NOW - 2 * HOUR: 1, NOW - 8 * DAY: 1}
    days = [(NOW - age * DAY) // DAY * DAY for age in (0, 8, 100)]
    assert after[3] == {**before[3], **dict(zip(days, (6, 1, 1), strict=True))}
    assert sorted(keys_of(web, 7)) == keys
    assert 990 < client.ttl(finest) <= 1000


def test_no_ring_is_ever_without_an_expiry(web: Store) -> None:
    web.incr_multi([Increment(WEB, NOW - age) for age in (0, 2 * HOUR, 8 * DAY)], now=NOW)
    web.incr([WEB], int(time.time()) + DAY, now=NOW)
    for rollup in web.rollups:
        assert 0 < web.clients.read.ttl(WEB.key(rollup)) <= rollup.ttl


def test_a_ring_lives_as_long_again_whenever_it_moves_on(web: Store) -> None:
    web.incr([WEB], NOW, now=NOW)
    for rollup in web.rollups:
        web.clients.write.expire(WEB.key(rollup), 100)
    web.incr([WEB], NOW + 3600, now=NOW + 3600)
    lives = [web.clients.read.ttl(WEB.key(rollup)) for rollup in web.rollups]
    assert [life > 100 for life in lives] == [True, True, True, False], "the day is still the same"


@pytest.mark.parametrize("ahead", [FUTURE_SECONDS + 10, HOUR, 100 * DAY, 10**9, 10**15])
@pytest.mark.parametrize("skew", [0, DAY, -DAY])
def test_a_future_timestamp_is_counted_when_it_was_received_in_all_rollups(web: Store, ahead: int, skew: int) -> None:
    before = int(time.time())
    web.incr([WEB], before + ahead, now=before + skew)
    after = int(time.time())
    for rollup in web.rollups:
        (start,) = counts(web, WEB, rollup, now=after)
        assert rollup.bucket(before) <= rollup.bucket(start) <= rollup.bucket(after)
    assert sums(web, WEB, now=after) == [1] * 4


def test_up_to_a_minute_ahead_counts_as_it_is(web: Store) -> None:
    now = int(time.time())
    ahead = (now + FUTURE_SECONDS) // 10 * 10
    web.incr([WEB], ahead, now=now)
    assert counts(web, WEB, web.rollups[0], now=now) == {ahead: 1}
    assert sums(web, WEB, now=now) == [1] * 4


def test_a_callers_clock_that_runs_ahead_wipes_nothing(web: Store) -> None:
    now = int(time.time())
    web.incr([WEB], now, now=now, amount=5)
    wrong = now + 400 * DAY
    web.incr_multi([Increment(WEB, wrong), Increment(WEB, wrong - 3600), Increment(WEB, now)], now=wrong)
    assert sums(web, WEB, now=int(time.time())) == [8] * 4


def test_a_callers_clock_that_runs_ahead_does_not_make_others_late(web: Store) -> None:
    now = int(time.time())
    web.incr([WEB], now - 30 * 60, now=now + 30 * DAY)
    assert sums(web, WEB, now=now) == [1] * 4


def test_a_callers_clock_that_runs_behind_counts_in_its_past_and_wipes_nothing(web: Store) -> None:
    now = int(time.time())
    web.incr([WEB], now, now=now, amount=5)
    web.incr([WEB], now - 2 * HOUR, now=now - 2 * HOUR)
    assert sums(web, WEB, now=now) == [5, 6, 6, 6]


def test_a_clock_that_steps_back_counts_into_the_ring_that_is_there(tiny: Store) -> None:
    tiny.incr([WEB], NOW, now=NOW, amount=5)
    tiny.incr([WEB], NOW - 30, now=NOW - 30)
    assert counts(tiny, WEB, tiny.rollups[0], now=NOW - 30) == {NOW - 30: 1, NOW: 5}
    later = NOW + 40
    assert counts(tiny, WEB, tiny.rollups[0], now=later) == {NOW: 5}
    assert counts(tiny, WEB, tiny.rollups[2], now=later) == {NOW: 5, NOW - 40: 1}


def test_a_series_that_was_silent_for_longer_than_its_ring_starts_empty(tiny: Store) -> None:
    tiny.incr([WEB], NOW, now=NOW, amount=5)
    later = NOW + 10_000
    tiny.incr([WEB], later, now=later)
    assert [counts(tiny, WEB, rollup, now=later) for rollup in tiny.rollups] == [{later: 1}] * 3


@pytest.mark.parametrize("gap", [*range(1, 12), *range(55, 75), *range(115, 140)])
def test_the_slots_that_a_ring_moves_over_are_emptied(tiny: Store, gap: int) -> None:
    finest = tiny.rollups[0]
    everything = range(NOW - finest.slots + 1, NOW + 1)
    for second in everything:
        tiny.incr([WEB], second, now=second)
    later = NOW + gap
    tiny.incr([WEB], later, now=later)
    retained = {second: 1 for second in (*everything, later) if second >= later - 5 - PAST_SECONDS}
    assert counts(tiny, WEB, finest, now=later) == retained


def test_a_count_stops_at_the_largest_and_never_wraps(tiny: Store) -> None:
    tiny.incr([WEB], NOW, now=NOW, amount=LARGEST - 1)
    for _ in range(3):
        tiny.incr([WEB], NOW, now=NOW, amount=1)
        assert sums(tiny, WEB) == [LARGEST] * 3
    tiny.incr_multi([Increment(WEB, NOW, LARGEST)] * 3, now=NOW)
    assert sums(tiny, WEB) == [LARGEST] * 3
    assert LARGEST == 2**63 - 1


def test_a_bucket_of_full_buckets_is_full(tiny: Store) -> None:
    tiny.incr_multi([Increment(WEB, NOW + second, LARGEST) for second in range(3)], now=NOW)
    assert counts(tiny, WEB, tiny.rollups[1]) == {NOW: LARGEST}


def test_merging_full_buckets_does_not_wrap(tiny: Store) -> None:
    other = Series(7, "t:error:filtered")
    tiny.incr([WEB, other], NOW, now=NOW, amount=LARGEST)
    merge(tiny, WEB, [other])
    assert sums(tiny, WEB) == [LARGEST] * 3
