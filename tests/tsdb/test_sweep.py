"""Two processes finish one deletion. The slower one deletes nothing that was counted after the faster one ended."""

from __future__ import annotations

import pytest
from redis.exceptions import OutOfMemoryError

from tests.tsdb.breaking import meddling
from tests.tsdb.tools import NOW, SHOP, WEB, keys_of, sums
from tsdb.series import Series
from tsdb.settling import settle
from tsdb.state import Phase, parse_state
from tsdb.store import Claim, Increment, Store


def fill(store: Store) -> None:
    store.incr_multi([Increment(WEB, NOW, 5)], now=NOW, claim=Claim("a", "x", 60))
    store.incr([Series(7, "t:error:filtered")], NOW, now=NOW)


def test_what_was_counted_after_another_finished_the_deletion_stays(tiny: Store) -> None:
    slow, client = meddling(tiny)

    def overtake() -> None:
        assert settle(tiny, 7, now=NOW) is Phase.ABSENT
        tiny.open(7)
        tiny.incr([WEB], NOW, now=NOW, amount=3)

    command = 1
    while True:
        fill(tiny)
        tombstone = tiny.tombstones.doom(7, Phase.EMPTYING)
        client.meddle_at(command, overtake)
        slow.tombstones.sweep([7])
        slow.tombstones.bury(7, tombstone)
        if client.left > 0:
            break
        assert sums(tiny, WEB) == [3, 3, 3], command
        assert tiny.series_of(7) == [WEB.name], command
        assert tiny.running_totals([7])[7].outcomes == {("error", "accepted"): 3}, command
        tiny.delete([7])
        tiny.open(7)
        command += 1
    assert command > 3
    assert keys_of(tiny, 7) == set()


def test_who_is_late_with_the_end_of_one_deletion_does_not_end_the_next(tiny: Store) -> None:
    fill(tiny)
    late = tiny.tombstones.doom(7, Phase.EMPTYING)
    assert settle(tiny, 7, now=NOW) is Phase.ABSENT
    tiny.open(7)
    fill(tiny)
    tiny.tombstones.doom(7, Phase.EMPTYING)
    tiny.clients.write.unlink("ts:{7}:index", "ts:{7}:running")  # the next finisher has come so far
    tiny.tombstones.bury(7, late)
    assert settle(tiny, 7, now=NOW) is Phase.ABSENT
    assert keys_of(tiny, 7) == set()


def test_a_project_without_a_tombstone_is_not_swept(tiny: Store) -> None:
    fill(tiny)
    before = keys_of(tiny, 7)
    assert tiny.tombstones.sweep([7]) == 0
    tiny.tombstones.bury(7, parse_state("emptying - - -"))
    assert keys_of(tiny, 7) == before


def test_of_many_the_doomed_ones_alone_are_swept(tiny: Store) -> None:
    fill(tiny)
    tiny.incr([SHOP], NOW, now=NOW)
    tiny.tombstones.doom(7, Phase.DELETING)
    keys = len(keys_of(tiny, 7))
    assert tiny.tombstones.sweep([7, 8]) == keys - 1
    assert keys_of(tiny, 7) == {"ts:{7}:state"}
    assert sums(tiny, SHOP) == [1, 1, 1]


def test_a_name_that_is_no_text_goes_too(tiny: Store) -> None:
    tiny.clients.write.set(b"ts:{7}:t:\xff\x00", "x")
    tiny.delete([7])
    assert list(tiny.clients.write.scan_iter("ts:{7}*")) == []


def test_it_is_done_when_memory_is_used_up(tiny: Store) -> None:
    fill(tiny)
    client = tiny.clients.write
    client.config_set("maxmemory", 1)
    try:
        with pytest.raises(OutOfMemoryError):
            tiny.incr([WEB], NOW, now=NOW)
        tiny.delete([7])
    finally:
        client.config_set("maxmemory", 0)
    assert keys_of(tiny, 7) == set()
