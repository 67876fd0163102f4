"""Moving counts from one series to another, even if the move is interrupted anywhere."""

from __future__ import annotations

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.tsdb.breaking import breaking, cut, meddling
from tests.tsdb.tools import NOW, SHOP, TINY, WEB, counts, keys_of, merge, sums
from tsdb.scripts import Script
from tsdb.series import Series
from tsdb.state import Phase
from tsdb.store import Increment, ProjectClosed, Store

OLD, OLDER = Series(7, "f:1:error:accepted:none"), Series(7, "f:2:error:accepted:none")
GOAL = Series(7, "f:0:error:accepted:none")
PUT, DROP = Script("put", TINY), Script("drop", TINY)


def cut_off_before_it_arrives(store: Store, destination: Series, source: Series) -> None:
    """Begin a move and die when the source's rings were taken, before they are put anywhere."""
    cutting, client = meddling(store)
    client.meddle_before(PUT, cut)
    with pytest.raises(RedisConnectionError):
        merge(cutting, destination, [source])


def test_it_adds_the_sources_to_the_destination_and_leaves_nothing_of_them(tiny: Store) -> None:
    tiny.incr([GOAL], NOW, now=NOW, amount=1)
    tiny.incr([OLD], NOW, now=NOW, amount=10)
    tiny.incr([OLD], NOW - 63, now=NOW, amount=20)
    tiny.incr([OLDER], NOW - 78, now=NOW, amount=40)
    merge(tiny, GOAL, [OLD, OLDER])
    assert counts(tiny, GOAL, tiny.rollups[0]) == {NOW: 11, NOW - 63: 20}
    assert counts(tiny, GOAL, tiny.rollups[1]) == {NOW: 11, NOW - 65: 20, NOW - 80: 40}
    assert counts(tiny, GOAL, tiny.rollups[2]) == {NOW: 11, NOW - 80: 60}
    assert tiny.series_of(7) == [GOAL.name]
    assert not [key for key in keys_of(tiny, 7) if OLD.name in key or OLDER.name in key or "moving" in key]


def test_a_destination_that_was_never_counted_into_becomes_known(tiny: Store) -> None:
    tiny.incr([OLD], NOW, now=NOW, amount=3)
    merge(tiny, GOAL, [OLD])
    assert sums(tiny, GOAL) == [3, 3, 3]
    assert tiny.series_of(7) == [GOAL.name]


def test_it_moves_counts_across_projects(tiny: Store) -> None:
    tiny.incr([SHOP], NOW, now=NOW, amount=5)
    tiny.incr([WEB], NOW, now=NOW, amount=6)
    merge(tiny, SHOP, [WEB])
    assert sums(tiny, SHOP) == [11, 11, 11]
    assert sums(tiny, WEB) == [0, 0, 0]
    assert tiny.series_of(7) == []


def test_a_series_that_is_its_own_source_keeps_its_counts(tiny: Store) -> None:
    tiny.incr([WEB], NOW, now=NOW, amount=5)
    merge(tiny, WEB, [WEB])
    assert sums(tiny, WEB) == [5, 5, 5]


def test_what_is_older_than_the_destination_holds_stays_out_of_it_alone(tiny: Store) -> None:
    far = NOW + tiny.rollups[0].slots
    tiny.incr([OLD], NOW, now=NOW, amount=1)
    tiny.incr([GOAL], far, now=far, amount=2)
    merge(tiny, GOAL, [OLD])
    assert counts(tiny, GOAL, tiny.rollups[0], now=far) == {far: 2}
    assert counts(tiny, GOAL, tiny.rollups[2], now=far - 60) == {NOW: 1, far // 20 * 20: 2}


def test_a_destination_that_is_not_there_is_refused_and_nothing_lost(tiny: Store) -> None:
    tiny.incr([WEB], NOW, now=NOW, amount=5)
    goal = Series(9, WEB.name)
    with pytest.raises(ProjectClosed) as refused:
        merge(tiny, goal, [WEB])
    assert refused.value.projects == [9]
    assert keys_of(tiny, 9) == set()
    tiny.open(9)
    merge(tiny, goal, [WEB])
    assert sums(tiny, goal) == [5, 5, 5]


@pytest.mark.parametrize("doom", [None, Phase.DELETING, Phase.EMPTYING])
def test_nothing_is_taken_from_a_project_that_is_being_deleted_or_has_no_state(tiny: Store, doom: Phase | None) -> None:
    tiny.incr([WEB], NOW, now=NOW, amount=5)
    if doom:
        tiny.tombstones.doom(7, doom)
    else:
        tiny.clients.write.delete("ts:{7}:state")
    before = keys_of(tiny, 7)
    with pytest.raises(ProjectClosed):
        merge(tiny, SHOP, [WEB])
    assert keys_of(tiny, 7) == before
    assert sums(tiny, SHOP) == [0, 0, 0]


@pytest.mark.parametrize("carried_out", [False, True])
@pytest.mark.parametrize("across_projects", [False, True])
def test_cut_off_at_any_command_and_run_again_it_neither_loses_nor_doubles(
    tiny: Store, across_projects: bool, carried_out: bool
) -> None:
    broken_store, client = breaking(tiny)
    sources = [WEB, OLD]
    goal = Series(8, GOAL.name) if across_projects else GOAL
    for command in range(1, 100):
        tiny.clients.write.flushdb()
        tiny.open(7)
        tiny.open(8)
        tiny.incr([goal], NOW, now=NOW, amount=1)
        tiny.incr([WEB], NOW, now=NOW, amount=10)
        tiny.incr([OLD], NOW - 1, now=NOW, amount=100)
        client.break_at(command, carried_out=carried_out)
        try:
            merge(broken_store, goal, sources)
        except RedisConnectionError:
            # More is counted before the move is run again.
            tiny.incr([WEB], NOW, now=NOW, amount=1000)
        else:
            assert command > 15, "there was nothing to cut off"
            return
        merge(tiny, goal, sources)
        assert sums(tiny, goal) == [1111, 1111, 1111], f"cut off at command {command}"
        assert [sums(tiny, source) for source in sources] == [[0, 0, 0]] * 2
        assert not [key for key in keys_of(tiny, 7) if "moving" in key]
        assert tiny.series_of(7) == ([] if across_projects else [GOAL.name])
    pytest.fail("the merge never came to its end")


def test_what_comes_in_after_a_source_was_taken_is_still_known(tiny: Store) -> None:
    tiny.incr([WEB], NOW, now=NOW, amount=1)
    cut_off_before_it_arrives(tiny, SHOP, WEB)
    tiny.incr([WEB], NOW, now=NOW, amount=2)
    assert tiny.series_of(7) == [WEB.name]
    assert sums(tiny, WEB) == [2, 2, 2]


def test_a_move_goes_on_to_where_it_was_going_unless_that_is_gone(tiny: Store) -> None:
    for gone, arrived in ((set(), SHOP), ({8}, GOAL)):
        tiny.clients.write.flushdb()
        tiny.open(7)
        tiny.open(8)
        tiny.incr([WEB], NOW, now=NOW, amount=5)
        cut_off_before_it_arrives(tiny, SHOP, WEB)
        assert tiny.series_of(7) == [WEB.name], "so that somebody who looks for it finds it"
        tiny.delete(gone)
        merge(tiny, GOAL, [WEB], gone=gone)
        assert sums(tiny, arrived) == [5, 5, 5]
        assert WEB.name not in tiny.series_of(7)


def test_a_destination_that_closes_on_the_way_gets_it_all_the_same(tiny: Store) -> None:
    tiny.incr([WEB], NOW, now=NOW, amount=5)
    closing, client = meddling(tiny)
    client.meddle_before(PUT, lambda: tiny.close(8))
    merge(closing, SHOP, [WEB])
    assert tiny.version(8) is None
    assert sums(tiny, SHOP) == [5, 5, 5]


def test_a_destination_that_is_deleted_on_the_way_is_refused_and_nothing_lost(tiny: Store) -> None:
    tiny.incr([WEB], NOW, now=NOW, amount=5)
    deleting, client = meddling(tiny)
    client.meddle_before(PUT, lambda: tiny.delete([8]))
    with pytest.raises(ProjectClosed) as refused:
        merge(deleting, SHOP, [WEB])
    assert refused.value.projects == [8]
    assert keys_of(tiny, 8) == set()
    tiny.open(8)
    merge(tiny, SHOP, [WEB])
    assert sums(tiny, SHOP) == [5, 5, 5]


def test_the_end_of_one_move_does_not_drop_what_another_took_meanwhile(tiny: Store) -> None:
    tiny.incr([WEB], NOW, now=NOW, amount=1)

    def meddle() -> None:
        """Finish this move, then begin another one with what was counted since, and interrupt that one."""
        merge(tiny, SHOP, [WEB])
        tiny.incr([WEB], NOW, now=NOW, amount=2)
        cut_off_before_it_arrives(tiny, SHOP, WEB)

    meddled, client = meddling(tiny)
    client.meddle_before(DROP, meddle)
    merge(meddled, SHOP, [WEB])
    merge(tiny, SHOP, [WEB])
    assert sums(tiny, SHOP) == [3, 3, 3]


def test_increments_are_counted_while_a_series_is_moved_again_and_again(tiny: Store) -> None:
    for _ in range(20):
        tiny.incr_multi([Increment(WEB, NOW), Increment(OLD, NOW)], now=NOW)
        merge(tiny, SHOP, [WEB, OLD])
    assert sums(tiny, SHOP) == [40, 40, 40]
