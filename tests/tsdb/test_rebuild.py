"""After a change of TSDB_ROLLUPS all counts are carried over, even if a process dies in the middle."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from struct import pack

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.tsdb.breaking import BreakingClient
from tests.tsdb.tools import NOW, counts, keys_of, merge
from tsdb.client import Clients
from tsdb.rollups import LARGEST, parse_rollups
from tsdb.series import Series
from tsdb.settling import delete_unnamed_rings, needs_settling, settle
from tsdb.state import Phase, state_text
from tsdb.states import Unsettled
from tsdb.store import ProjectClosed, Store
from tsdb.timeline import ENVIRONMENTS, Retention, Window
from tsdb.units import NS

EARLIER = parse_rollups("10s:60,5m:24,1h:48,1d:10")
SERIES = [Series(7, "t:error:accepted"), Series(7, "f:1:error:accepted:none"), Series(7, "t:error:filtered")]
CHANGES = {
    "longer": "10s:90,5m:40,1h:96,1d:30",
    "shorter": "10s:30,5m:12,1h:24,1d:5",
    "one more, finer": "1s:60,10s:60,5m:24,1h:48,1d:10",
    "one more, in between": "10s:60,1m:30,5m:24,1h:48,1d:10",
    "one more, coarser": "10s:60,5m:24,1h:48,1d:10,7d:4",
    "one less": "10s:60,1h:48,1d:10",
    "the coarsest less": "10s:60,5m:24,1h:48",
    "all others": "1s:100,15m:16,6h:30",
    "another limit of the automatic choice": "10s:60:30,5m:24:0,1h:48,1d:10",
}

counted = st.lists(
    st.tuples(st.sampled_from(SERIES), st.integers(0, 12 * 86400), st.integers(1, LARGEST // 1000)), max_size=40
)


def with_rollups(store: Store, text: str) -> Store:
    return Store(store.clients, parse_rollups(text))


def fill(store: Store, increments: Sequence[tuple[Series, int, int]]) -> None:
    store.delete([7])
    store.open(7)
    for series, age, amount in increments:
        store.incr([series], NOW - age, now=NOW, amount=amount)


def added_up(found: Mapping[int, int], seconds: int) -> dict[int, int]:
    sums: Counter[int] = Counter()
    for start, count in found.items():
        sums[start // seconds * seconds] += count
    return {start: min(count, LARGEST) for start, count in sums.items()}


@pytest.mark.parametrize("change", list(CHANGES))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(increments=counted)
def test_what_fits_is_carried_over_and_what_is_new_is_added_up(
    store: Store, change: str, increments: list[tuple[Series, int, int]]
) -> None:
    before, after = Store(store.clients, EARLIER), with_rollups(store, CHANGES[change])
    fill(before, increments)
    held = {(one, rollup.seconds): counts(before, one, rollup) for one in SERIES for rollup in EARLIER}
    assert settle(after, 7, now=NOW) is not Phase.REBUILDING
    retention = after.retention([7], now=NOW * NS)
    for one in SERIES:
        ledger: Counter[int] = Counter()
        for series, age, amount in increments:
            coarsest = EARLIER[-1]
            if series == one and coarsest.bucket(NOW - age) >= coarsest.oldest_bucket(NOW):  # else it was not counted
                ledger[NOW - age] += amount
        for rollup in after.rollups:
            found = counts(after, one, rollup)
            since, oldest = retention.since(rollup), rollup.oldest_bucket(NOW) * rollup.seconds
            if (one, rollup.seconds) in held:
                earlier = held[one, rollup.seconds]
                assert found == {start: count for start, count in earlier.items() if start >= oldest}
            # It is complete as far back as it says, and a new resolution is empty before.
            expected = {start: count for start, count in added_up(ledger, rollup.seconds).items() if start >= since}
            assert {start: count for start, count in found.items() if start >= since} == expected
            assert (one, rollup.seconds) in held or found == expected


@pytest.mark.parametrize("change", list(CHANGES))
def test_it_says_since_when_each_resolution_is_complete(store: Store, change: str) -> None:
    """Since then no resolution reads less than was counted."""
    before, after = Store(store.clients, EARLIER), with_rollups(store, CHANGES[change])
    ages = range(0, 10 * 86400, 1793)
    fill(before, [(SERIES[0], age, 1) for age in ages])
    settle(after, 7, now=NOW)
    for rollup in after.rollups:
        found = counts(after, SERIES[0], rollup)
        since = after.retention([7], now=NOW * NS).since(rollup)
        expected = added_up(Counter(NOW - age for age in ages if NOW - age >= since), rollup.seconds)
        assert {start: count for start, count in found.items() if start >= since} == expected, rollup
        assert not [start for start in found if start < since] or rollup.seconds in (10, 300, 3600, 86400)


def test_a_reader_who_takes_a_resolution_for_complete_is_told_that_it_is_not(store: Store) -> None:
    before, after = Store(store.clients, EARLIER), with_rollups(store, CHANGES["longer"])
    fill(before, [(SERIES[0], 0, 5)])
    settle(after, 7, now=NOW)
    hours = after.rollups[2]
    window = Window(hours, hours.oldest_bucket(NOW), hours.bucket(NOW))
    said = Retention(NOW * NS)  # the retention before the setting was changed
    with pytest.raises(Unsettled):
        after.get_range(SERIES[:1], window, now=NOW, since=said.since(hours))
    known = after.retention([7], now=NOW * NS)
    assert known.since(hours) == NOW - 49 * 3600
    assert sum(after.get_range(SERIES[:1], window, now=NOW, since=known.since(hours))[SERIES[0]]) == 5


def test_where_nothing_changed_nothing_is_carried_over(store: Store) -> None:
    before = Store(store.clients, EARLIER)
    fill(before, [(SERIES[0], 0, 1)])
    keys, version = keys_of(before, 7), before.version(7)
    assert list(needs_settling(before, [7, 8])) == []
    assert settle(before, 7, now=NOW) is Phase.OPEN
    assert (keys_of(before, 7), before.version(7)) == (keys, version)


def test_a_read_and_a_count_are_refused_until_it_is_carried_over(store: Store) -> None:
    before, after = Store(store.clients, EARLIER), with_rollups(store, CHANGES["longer"])
    fill(before, [(SERIES[0], 0, 5)])
    with pytest.raises(Unsettled):
        counts(after, SERIES[0], after.rollups[0])
    with pytest.raises(Unsettled):
        after.series_of(7)
    with pytest.raises(ProjectClosed):
        after.incr([SERIES[0]], NOW, now=NOW)
    with pytest.raises(Unsettled):
        after.open(7)
    assert list(needs_settling(after, [7, 8])) == [7]


def test_there_and_back_again_loses_only_what_did_not_fit(store: Store) -> None:
    before, between = Store(store.clients, EARLIER), with_rollups(store, CHANGES["one less"])
    fill(before, [(SERIES[0], age, 1) for age in range(0, 86400, 97)])
    first = [counts(before, SERIES[0], rollup) for rollup in EARLIER]
    settle(between, 7, now=NOW)
    settle(before, 7, now=NOW)
    for rollup, earlier in zip(EARLIER, first, strict=True):
        found = counts(before, SERIES[0], rollup)
        since = before.retention([7], now=NOW * NS).since(rollup)
        assert found == {start: count for start, count in earlier.items() if start >= since}
        if rollup.seconds != 300:
            assert found == earlier


def test_a_ring_of_an_earlier_time_never_comes_back(store: Store) -> None:
    before, between = Store(store.clients, EARLIER), with_rollups(store, CHANGES["one less"])
    fill(before, [(SERIES[0], 1000, 1)])
    settle(between, 7, now=NOW)
    between.open(7)
    between.incr([SERIES[0]], NOW, now=NOW, amount=2)  # not into the ring of 5 minutes
    settle(before, 7, now=NOW)
    assert counts(before, SERIES[0], EARLIER[1]) == {NOW: 2}


def test_a_count_that_is_full_stays_full(store: Store) -> None:
    before, after = Store(store.clients, EARLIER), with_rollups(store, "10s:60,1m:30,5m:24,1h:48,1d:10")
    fill(before, [(SERIES[0], 0, LARGEST), (SERIES[0], 20, LARGEST), (SERIES[0], 40, 2**53 + 1)])
    settle(after, 7, now=NOW)
    assert counts(after, SERIES[0], after.rollups[0]) == {NOW: LARGEST, NOW - 20: LARGEST, NOW - 40: 2**53 + 1}
    assert counts(after, SERIES[0], after.rollups[1]) == {NOW: LARGEST, NOW - 60: LARGEST}


def test_rings_of_a_resolution_that_is_not_kept_any_more_go_and_are_told(store: Store) -> None:
    before, after = Store(store.clients, EARLIER), with_rollups(store, CHANGES["one less"])
    fill(before, [(one, 0, 1) for one in SERIES])
    dropped: Counter[str] = Counter()
    settle(after, 7, now=NOW, dropped=dropped)
    assert dropped == {"300s26": 3}
    assert not [key for key in keys_of(after, 7) if key.endswith(":300s26")]


def test_rings_that_no_setting_names_are_found_without_their_project(store: Store) -> None:
    before, after = Store(store.clients, EARLIER), with_rollups(store, CHANGES["one less"])
    fill(before, [(one, 0, 1) for one in SERIES])
    before.clients.write.delete("ts:{7}:index", "ts:{7}:state")
    assert delete_unnamed_rings(after) == {"300s26": 3}
    assert not [key for key in keys_of(after, 7) if key.endswith(":300s26")]
    assert delete_unnamed_rings(after) == {}


def test_counts_that_were_merged_away_do_not_come_back_with_an_earlier_setting(store: Store) -> None:
    before, between = Store(store.clients, EARLIER), with_rollups(store, "30m:20,2h:100")
    fill(before, [(SERIES[0], 0, 5)])
    settle(between, 7, now=NOW)
    between.open(8)
    merge(between, Series(8, SERIES[0].name), [SERIES[0]])
    settle(before, 7, now=NOW)
    assert [counts(before, SERIES[0], rollup) for rollup in EARLIER] == [{}] * 4
    before.open(7)
    before.incr([SERIES[0]], NOW, now=NOW, amount=7)
    assert before.series_of(7) == [SERIES[0].name]
    assert [sum(counts(before, SERIES[0], rollup).values()) for rollup in EARLIER] == [7] * 4


def test_what_is_not_complete_stays_so_where_no_series_is_left(store: Store) -> None:
    before, between = with_rollups(store, "10s:60"), with_rollups(store, "1h:48,1d:10")
    fill(before, [(SERIES[0], 0, 5)])
    settle(between, 7, now=NOW)
    between.open(8)
    merge(between, Series(8, SERIES[0].name), [SERIES[0]])
    after = Store(store.clients, EARLIER)
    settle(after, 7, now=NOW)
    hours = after.rollups[2]
    assert after.retention([7], now=NOW * NS).since(hours) == NOW


def test_since_when_environments_count_more_than_accepted_events_is_kept(store: Store) -> None:
    before, after = Store(store.clients, EARLIER), with_rollups(store, CHANGES["longer"])
    fill(before, [(SERIES[0], 0, 1)])
    state = before.states.get(7)
    before.states.swap(7, state, state_text(Phase.OPEN, state.shapes, "0123", {ENVIRONMENTS: NOW - 1000}))
    settle(after, 7, now=NOW)
    kept = after.retention([7], now=NOW * NS)
    assert [kept.of_environments().since(rollup) for rollup in after.rollups] == [
        max(kept.since(rollup), -(-(NOW - 1000) // rollup.seconds) * rollup.seconds) for rollup in after.rollups
    ]
    assert kept.since(after.rollups[0]) < NOW - 500


@pytest.mark.parametrize("change", ["longer", "one more, in between", "all others"])
@pytest.mark.parametrize("carried_out", [False, True])
def test_cut_off_at_any_command_and_run_again_it_neither_loses_nor_doubles(
    store: Store, change: str, carried_out: bool
) -> None:
    before, after = Store(store.clients, EARLIER), with_rollups(store, CHANGES[change])
    ages = [(series, age, 1) for series in SERIES for age in range(0, 86400, 1793)]
    fill(before, ages)
    settle(after, 7, now=NOW)
    whole = [[counts(after, one, rollup) for rollup in after.rollups] for one in SERIES]
    [server] = store.clients.write.servers()
    breaking = BreakingClient(connection_pool=server.connection_pool)
    broken = Store(Clients(store.clients.read, breaking), after.rollups)
    for command in range(1, 50):
        fill(before, ages)
        breaking.break_at(command, carried_out=carried_out)
        try:
            settle(broken, 7, now=NOW)
        except RedisConnectionError:
            settle(after, 7, now=NOW)
            assert [[counts(after, one, rollup) for rollup in after.rollups] for one in SERIES] == whole, command
        else:
            assert command > 3, "there was nothing to cut off"
            return
    pytest.fail("it never came to its end")


def test_while_two_settings_fight_over_it_nothing_is_lost_or_doubled(store: Store) -> None:
    """Several threads count while two settings carry the rings to and fro. Each count is acknowledged or refused."""
    stores = [Store(store.clients, EARLIER), with_rollups(store, "10s:60,1m:30,5m:24,1h:48,1d:10")]
    stores[0].open(7)
    sent = [0] * 4

    def count(place: int) -> None:
        own, chance = Store(store.clients, stores[place % 2].rollups), random.Random(place)
        while sent[place] < 60:
            try:
                own.incr(SERIES[:2], NOW - chance.choice((0, 7, 400)), now=NOW)
                sent[place] += 1
            except ProjectClosed:
                settle(own, 7, now=NOW)
                try:
                    own.open(7)
                except Unsettled:
                    continue

    counters = [threading.Thread(target=count, args=(place,)) for place in range(4)]
    for counter in counters:
        counter.start()
    for counter in counters:
        counter.join()
    assert sent == [60] * 4
    settle(stores[0], 7, now=NOW)
    for one in SERIES[:2]:
        assert [sum(counts(stores[0], one, rollup).values()) for rollup in EARLIER] == [240] * 4


def test_a_project_that_was_never_counted_into_has_no_past_to_miss(store: Store) -> None:
    before, after = Store(store.clients, EARLIER), with_rollups(store, CHANGES["longer"])
    before.open(7)
    settle(after, 7, now=NOW)
    after.open(7)
    after.incr([SERIES[0]], NOW, now=NOW)
    assert counts(after, SERIES[0], after.rollups[0]) == {NOW: 1}
    assert after.retention([7], now=NOW * NS).filled == {}


def test_what_a_wrong_clock_counted_into_the_future_is_left_behind(store: Store) -> None:
    before, after = Store(store.clients, EARLIER), with_rollups(store, CHANGES["longer"])
    seconds, _ = store.clients.write.time()
    before.open(7)
    before.incr([SERIES[0]], seconds - 3600, now=seconds, amount=4)
    hours = EARLIER[2]
    two_hours_ahead, slots = [0] * hours.slots, hours.slots
    newest = hours.bucket(seconds) + 2
    two_hours_ahead[newest % slots], two_hours_ahead[(newest - 3) % slots] = 9, 4
    store.clients.write.set(SERIES[0].key(hours), pack(f">{slots + 1}q", newest, *two_hours_ahead))
    settle(after, 7, now=seconds)
    after.open(7)
    after.incr([SERIES[0]], seconds, now=seconds)
    window = Window(after.rollups[2], hours.bucket(seconds) - 1, hours.bucket(seconds) + 2)
    assert after.get_range(SERIES[:1], window, now=seconds)[SERIES[0]] == (4, 1, 0, 0)
