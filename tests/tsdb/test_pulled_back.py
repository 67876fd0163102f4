"""Rings that a clock which ran ahead moved into the future. The next count takes them back and keeps what is true.

Redis' own clock decides what the future is, and it is the real clock here. So these tests write the rings as a wrong
clock would have left them.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import pack, unpack_from

import pytest

from tests.tsdb.tools import WEB
from tsdb import ring
from tsdb.arrivals import Arrival
from tsdb.intake import Intake
from tsdb.outcomes import Outcome
from tsdb.rollups import FUTURE_SECONDS, Rollup
from tsdb.series import state_key
from tsdb.state import State
from tsdb.states import Unsettled
from tsdb.store import Increment, ProjectClosed, Store
from tsdb.timeline import Window
from tsdb.units import DAY, NS

AHEAD = [70, 90, 3000, 2 * DAY, 40 * DAY, 1000 * DAY]
"""Seconds: from just beyond FUTURE_SECONDS to more than the longest ring holds."""


def one_by_one(store: Store, now: int) -> None:
    store.incr([WEB], now, now=now)


def together(store: Store, now: int) -> None:
    store.incr_multi([Increment(WEB, now), Increment(WEB, now - 3600)], now=now)


def by_intake(store: Store, now: int) -> None:
    version = store.version(WEB.project)
    assert version
    Intake(store, 3600).count(
        WEB.project, version, Arrival("a", Outcome.ACCEPTED, [Increment(WEB, now)]), "once", now=now
    )


def move_ahead(store: Store, rollup: Rollup, by: int, now: int) -> int:
    """Write the ring as a count at now + `by` would leave it, and return the oldest bucket that it still holds."""
    key = WEB.key(rollup)
    raw = store.clients.read.get(key)
    assert isinstance(raw, bytes)
    newest = rollup.bucket(now + by)
    oldest = newest - rollup.slots + 1
    slots = [0] * rollup.slots
    future = range(max(oldest, rollup.bucket(now + FUTURE_SECONDS) + 2), newest + 1)
    for bucket, count in [*ring.buckets(raw, rollup), *((bucket, 1_000_000) for bucket in future)]:
        if bucket >= oldest:
            slots[bucket % rollup.slots] += count
    store.clients.write.set(key, pack(f">q{rollup.slots}q", newest, *slots), ex=1000)
    return oldest


def held(store: Store, rollup: Rollup) -> tuple[int, dict[int, int]]:
    """Return the ring's newest bucket, and its counts that are not 0."""
    raw = store.clients.read.get(WEB.key(rollup))
    assert isinstance(raw, bytes)
    assert len(raw) == 8 * (rollup.slots + 1)
    return unpack_from(">q", raw)[0], dict(ring.buckets(raw, rollup))


def state(store: Store) -> State:
    raw = store.clients.read.get(state_key(WEB.project))
    assert isinstance(raw, bytes)
    return State(raw.decode())


def clock(store: Store) -> int:
    return int(store.clients.read.time()[0])


@pytest.fixture
def web(store: Store) -> Store:
    """A store with a count now, in each minute of an hour, each hour of three days and each week of a year."""
    web = Store(store.clients, store.rollups)
    web.open(WEB.project)
    now = clock(web)
    ages = [0, *range(60, 3600, 60), *range(3600, 3 * DAY, 3600), *range(3 * DAY, 390 * DAY, 7 * DAY)]
    web.incr_bulk([Increment(WEB, now - age, 1 + age) for age in ages], now=now)
    return web


@pytest.fixture
def now(web: Store) -> int:
    """Redis' own clock."""
    return clock(web)


@pytest.mark.parametrize("ahead", AHEAD)
@pytest.mark.parametrize("count", [one_by_one, by_intake], ids=["one", "intake"])
def test_the_present_is_counted_the_past_stays_and_the_future_is_empty(
    web: Store, now: int, ahead: int, count: Callable[[Store, int], None]
) -> None:
    before = {rollup: held(web, rollup)[1] for rollup in web.rollups}
    oldest = {rollup: move_ahead(web, rollup, ahead, now) for rollup in web.rollups}
    count(web, now)
    for rollup in web.rollups:
        newest, counts = held(web, rollup)
        present, last = rollup.bucket(now), rollup.bucket(now + FUTURE_SECONDS)
        if rollup.bucket(now + ahead) > last:
            assert last <= newest <= rollup.bucket(clock(web) + FUTURE_SECONDS)
            expected = {bucket: amount for bucket, amount in before[rollup].items() if bucket >= oldest[rollup]}
            assert counts == {**expected, present: expected.get(present, 0) + 1}, rollup.name
        else:  # it may lie so far ahead
            assert newest == rollup.bucket(now + ahead)
            assert counts[present] >= before[rollup].get(present, 0) + 1
        assert 1000 < web.clients.read.ttl(WEB.key(rollup)) <= rollup.ttl or newest == rollup.bucket(now + ahead)


@pytest.mark.parametrize("ahead", AHEAD)
def test_the_state_says_since_when_each_resolution_is_complete_and_a_read_tells(
    web: Store, now: int, ahead: int
) -> None:
    oldest = {rollup: move_ahead(web, rollup, ahead, now) for rollup in web.rollups}
    earlier = clock(web)
    one_by_one(web, now)
    later = clock(web)

    def in_the_future(instant: int) -> set[int]:
        return {
            rollup.seconds
            for rollup in web.rollups
            if rollup.bucket(now + ahead) > rollup.bucket(instant + FUTURE_SECONDS)
        }

    assert in_the_future(now)
    expected = state(web).filled
    # Redis' clock goes on, so a ring that was one bucket ahead may no longer be so when it is counted into.
    assert expected.keys() in (in_the_future(earlier), in_the_future(later))
    for rollup in web.rollups:
        if rollup.seconds not in expected:
            continue
        # If no bucket of the past is left, the next bucket is the first complete one.
        instants = {min(oldest[rollup], rollup.bucket(instant) + 1) * rollup.seconds for instant in (earlier, later)}
        assert expected[rollup.seconds] in instants
    web.series_of(WEB.project)
    told = web.retention([WEB.project], now=now * NS)
    for rollup in web.rollups:
        kept = rollup.oldest_bucket(now) * rollup.seconds
        assert told.since(rollup) == max(kept, expected.get(rollup.seconds, 0))


@pytest.mark.parametrize("ahead", AHEAD)
def test_what_it_says_is_complete_holds_all_that_was_counted(web: Store, now: int, ahead: int) -> None:
    before = {rollup: held(web, rollup)[1] for rollup in web.rollups}
    for rollup in web.rollups:
        move_ahead(web, rollup, ahead, now)
    one_by_one(web, now)
    web.series_of(WEB.project)
    told = web.retention([WEB.project], now=now * NS)
    for rollup in web.rollups:
        since = told.since(rollup)
        counts = held(web, rollup)[1]
        for bucket, amount in before[rollup].items():
            if bucket * rollup.seconds >= since:
                assert counts[bucket] >= amount, f"{rollup.name} is said to be complete since {since}"


def test_several_increments_at_once_are_counted_in_a_ring_that_is_pulled_back(web: Store, now: int) -> None:
    before = {rollup: held(web, rollup)[1] for rollup in web.rollups}
    oldest = {rollup: move_ahead(web, rollup, 2 * DAY, now) for rollup in web.rollups}
    together(web, now)
    for rollup in web.rollups:
        counts = held(web, rollup)[1]
        expected = {bucket: amount for bucket, amount in before[rollup].items() if bucket >= oldest[rollup]}
        for timestamp in (now, now - 3600):
            bucket = rollup.bucket(timestamp)
            if bucket >= rollup.oldest_bucket(now):
                expected[bucket] = expected.get(bucket, 0) + 1
        assert counts == expected, rollup.name


def test_counted_again_it_is_as_any_other_ring(web: Store, now: int) -> None:
    for rollup in web.rollups:
        move_ahead(web, rollup, 2 * DAY, now)
    one_by_one(web, now)
    first, text = state(web).filled, state(web).text
    before = {rollup: held(web, rollup)[1][rollup.bucket(now)] for rollup in web.rollups}
    one_by_one(web, now)
    assert {rollup: held(web, rollup)[1][rollup.bucket(now)] for rollup in web.rollups} == {
        rollup: amount + 1 for rollup, amount in before.items()
    }
    assert (state(web).filled, state(web).text) == (first, text)
    assert web.version(WEB.project) == text


def test_of_two_series_the_one_that_lost_more_decides(web: Store, now: int) -> None:
    move_ahead(web, web.rollups[0], 90, now)
    one_by_one(web, now)
    near = state(web).filled
    move_ahead(web, web.rollups[0], 3000, now)
    one_by_one(web, now)
    far = state(web).filled
    assert far.keys() == near.keys() == {10}
    assert far[10] > near[10]
    move_ahead(web, web.rollups[0], 90, now)
    one_by_one(web, now)
    assert state(web).filled == far


def test_a_ring_within_the_minute_that_may_be_counted_ahead_is_left_as_it_is(web: Store, now: int) -> None:
    move_ahead(web, web.rollups[0], FUTURE_SECONDS - 10, now)
    newest = held(web, web.rollups[0])[0]
    one_by_one(web, now)
    assert held(web, web.rollups[0])[0] == newest
    assert state(web).filled == {}


def test_a_project_that_is_no_longer_open_is_not_touched(web: Store, now: int) -> None:
    move_ahead(web, web.rollups[0], 2 * DAY, now)
    before = web.clients.read.get(WEB.key(web.rollups[0]))
    web.close(WEB.project)
    with pytest.raises(ProjectClosed):
        one_by_one(web, now)
    assert web.clients.read.get(WEB.key(web.rollups[0])) == before
    assert state(web).filled == {}


def test_a_read_that_comes_first_learns_what_a_ring_of_the_future_has_let_go(web: Store, now: int) -> None:
    seconds, minutes, hours, days = web.rollups
    oldest = move_ahead(web, hours, 2 * DAY, now)
    window = Window(hours, hours.oldest_bucket(now), hours.bucket(now))
    said = web.retention([WEB.project], now=now * NS)
    with pytest.raises(Unsettled):
        web.get_added([WEB], window, now=now, since=said.since(hours))
    with pytest.raises(Unsettled):  # the state has changed
        web.get_added([WEB], window, now=now, since=said.since(hours))
    told = web.retention([WEB.project], now=now * NS)
    assert told.since(hours) == oldest * hours.seconds
    assert sum(web.get_added([WEB], window, now=now, since=told.since(hours))) > 0
    assert [told.since(rollup) for rollup in (seconds, minutes, days)] == [
        said.since(rollup) for rollup in (seconds, minutes, days)
    ]


def test_a_reader_whose_clock_is_behind_is_told_what_is_complete_and_nothing_is_pulled_back(
    web: Store, now: int
) -> None:
    """The clock of the reader is behind that of Redis, so what Redis counted is not in the future, and stays."""
    finest = web.rollups[0]
    behind = now - 600
    before = held(web, finest)
    window = Window(finest, finest.oldest_bucket(behind), finest.bucket(behind))
    for _ in range(2):
        since = web.retention([WEB.project], now=behind * NS).since(finest)
        try:
            web.get_added([WEB], window, now=behind, since=since)
        except Unsettled:
            continue
        break
    told = web.retention([WEB.project], now=behind * NS)
    assert told.since(finest) == (before[0] - finest.slots + 1) * finest.seconds
    assert held(web, finest) == before
