"""Moving counts from one series to another, also when the move is cut off anywhere."""

from __future__ import annotations

from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.tsdb.tools import NOW, SHOP, WEB, counts, keys_of, sums
from tsdb.client import Client, Clients
from tsdb.series import Series
from tsdb.store import Increment, ProjectClosed, Store

OLD, OLDER = Series(7, "f:1:error:accepted:none"), Series(7, "f:2:error:accepted:none")
GOAL = Series(7, "f:0:error:accepted:none")


class BreakingClient(Client):
    """Its connection breaks at the n-th command: before that arrives, or when it was carried out, the answer lost."""

    def break_at(self, command: int, *, carried_out: bool) -> None:
        self.left, self.carried_out = command, carried_out

    def execute_command(self, *args: Any, **options: Any) -> Any:
        self.left -= 1
        if self.left == 0 and not self.carried_out:
            raise RedisConnectionError("cut")
        answer = super().execute_command(*args, **options)
        if self.left == 0:
            raise RedisConnectionError("cut")
        return answer


def test_it_adds_the_sources_to_the_destination_and_leaves_nothing_of_them(tiny: Store) -> None:
    tiny.incr([GOAL], NOW, now=NOW, amount=1)
    tiny.incr([OLD], NOW, now=NOW, amount=10)
    tiny.incr([OLD], NOW - 3, now=NOW, amount=20)
    tiny.incr([OLDER], NOW - 18, now=NOW, amount=40)
    tiny.merge(GOAL, [OLD, OLDER])
    assert counts(tiny, GOAL, tiny.rollups[0]) == {NOW: 11, NOW - 3: 20}
    assert counts(tiny, GOAL, tiny.rollups[1]) == {NOW: 11, NOW - 5: 20, NOW - 20: 40}
    assert counts(tiny, GOAL, tiny.rollups[2]) == {NOW: 11, NOW - 20: 60}
    assert tiny.series_of(7) == [GOAL.name]
    assert not [key for key in keys_of(tiny, 7) if OLD.name in key or OLDER.name in key or "moving" in key]


def test_a_destination_that_was_never_counted_into_becomes_known(tiny: Store) -> None:
    tiny.incr([OLD], NOW, now=NOW, amount=3)
    tiny.merge(GOAL, [OLD])
    assert sums(tiny, GOAL) == [3, 3, 3]
    assert tiny.series_of(7) == [GOAL.name]


def test_it_moves_counts_across_projects(tiny: Store) -> None:
    tiny.incr([SHOP], NOW, now=NOW, amount=5)
    tiny.incr([WEB], NOW, now=NOW, amount=6)
    tiny.merge(SHOP, [WEB])
    assert sums(tiny, SHOP) == [11, 11, 11]
    assert sums(tiny, WEB) == [0, 0, 0]
    assert tiny.series_of(7) == []


def test_a_series_that_is_its_own_source_keeps_its_counts(tiny: Store) -> None:
    tiny.incr([WEB], NOW, now=NOW, amount=5)
    tiny.merge(WEB, [WEB])
    assert sums(tiny, WEB) == [5, 5, 5]


def test_what_is_older_than_the_destination_holds_stays_out_of_it_alone(tiny: Store) -> None:
    far = NOW + 66  # the finest ring has 66 slots
    tiny.incr([OLD], NOW, now=NOW, amount=1)
    tiny.incr([GOAL], far, now=far, amount=2)
    tiny.merge(GOAL, [OLD])
    assert counts(tiny, GOAL, tiny.rollups[0], now=far) == {far: 2}
    assert counts(tiny, GOAL, tiny.rollups[2], now=NOW) == {NOW: 1, NOW + 60: 2}


def test_a_closed_destination_is_refused_and_no_source_touched(tiny: Store) -> None:
    tiny.incr([WEB], NOW, now=NOW, amount=5)
    with pytest.raises(ProjectClosed):
        tiny.merge(Series(9, WEB.name), [WEB])
    assert sums(tiny, WEB) == [5, 5, 5]
    assert keys_of(tiny, 9) == set()


def test_nothing_is_taken_from_a_project_that_is_closed_and_may_be_being_deleted(tiny: Store) -> None:
    tiny.incr([WEB], NOW, now=NOW, amount=5)
    tiny.clients.write.delete("ts:{7}:state")  # how a deletion begins
    before = keys_of(tiny, 7)
    with pytest.raises(ProjectClosed):
        tiny.merge(SHOP, [WEB])
    assert keys_of(tiny, 7) == before
    assert sums(tiny, SHOP) == [0, 0, 0]


@pytest.mark.parametrize("carried_out", [False, True])
@pytest.mark.parametrize("across_projects", [False, True])
def test_cut_off_at_any_command_and_run_again_it_neither_loses_nor_doubles(
    tiny: Store, across_projects: bool, carried_out: bool
) -> None:
    breaking = BreakingClient(connection_pool=tiny.clients.write.connection_pool)
    broken_store = Store(Clients(tiny.clients.read, breaking), tiny.rollups)
    sources = [WEB, OLD]
    goal = Series(8, GOAL.name) if across_projects else GOAL
    for command in range(1, 100):
        tiny.clients.write.flushdb()
        tiny.open(7)
        tiny.open(8)
        tiny.incr([goal], NOW, now=NOW, amount=1)
        tiny.incr([WEB], NOW, now=NOW, amount=10)
        tiny.incr([OLD], NOW - 1, now=NOW, amount=100)
        breaking.break_at(command, carried_out=carried_out)
        try:
            broken_store.merge(goal, sources)
        except RedisConnectionError:
            # Life goes on before somebody runs it again.
            tiny.incr([WEB], NOW, now=NOW, amount=1000)
        else:
            assert command > 15, "there was nothing to cut off"
            return
        tiny.merge(goal, sources)
        assert sums(tiny, goal) == [1111, 1111, 1111], f"cut off at command {command}"
        assert [sums(tiny, source) for source in sources] == [[0, 0, 0]] * 2
        assert not [key for key in keys_of(tiny, 7) if "moving" in key]
        assert tiny.series_of(7) == ([] if across_projects else [GOAL.name])
    pytest.fail("the merge never came to its end")


def test_what_comes_in_after_a_source_was_taken_is_still_known(tiny: Store) -> None:
    tiny.incr([WEB], NOW, now=NOW, amount=1)
    breaking = BreakingClient(connection_pool=tiny.clients.write.connection_pool)
    breaking.break_at(4, carried_out=False)  # exists, exists, take, put
    with pytest.raises(RedisConnectionError):
        Store(Clients(tiny.clients.read, breaking), tiny.rollups).merge(SHOP, [WEB])
    tiny.incr([WEB], NOW, now=NOW, amount=2)
    assert tiny.series_of(7) == [WEB.name]
    assert sums(tiny, WEB) == [2, 2, 2]


def test_a_move_goes_on_to_where_it_was_going_unless_that_is_gone(tiny: Store) -> None:
    for gone, arrived in ((set(), SHOP), ({8}, GOAL)):
        tiny.clients.write.flushdb()
        tiny.open(7)
        tiny.open(8)
        tiny.incr([WEB], NOW, now=NOW, amount=5)
        breaking = BreakingClient(connection_pool=tiny.clients.write.connection_pool)
        breaking.break_at(4, carried_out=False)  # exists, exists, take, put
        with pytest.raises(RedisConnectionError):
            Store(Clients(tiny.clients.read, breaking), tiny.rollups).merge(SHOP, [WEB])
        assert tiny.series_of(7) == [WEB.name], "so that somebody who looks for it finds it"
        tiny.delete(gone)
        tiny.merge(GOAL, [WEB], gone=gone)
        assert sums(tiny, arrived) == [5, 5, 5]
        assert WEB.name not in tiny.series_of(7)


def test_a_destination_that_closes_on_the_way_is_refused_and_nothing_lost(tiny: Store) -> None:
    tiny.incr([WEB], NOW, now=NOW, amount=5)

    class Closing(Client):
        commands = 0

        def execute_command(self, *args: Any, **options: Any) -> Any:
            self.commands += 1
            if self.commands == 4:  # exists, exists, take, and now put
                tiny.close(8)
            return super().execute_command(*args, **options)

    closing = Closing(connection_pool=tiny.clients.write.connection_pool)
    with pytest.raises(ProjectClosed) as refused:
        Store(Clients(tiny.clients.read, closing), tiny.rollups).merge(SHOP, [WEB])
    assert refused.value.projects == [8]
    assert keys_of(tiny, 8) == set()
    tiny.open(8)
    tiny.merge(SHOP, [WEB])
    assert sums(tiny, SHOP) == [5, 5, 5]


def test_the_end_of_one_move_does_not_drop_what_another_took_meanwhile(tiny: Store) -> None:
    tiny.incr([WEB], NOW, now=NOW, amount=1)

    class Meddling(Client):
        """Before this move ends, another one finishes it, and a third takes what was counted since and is cut off."""

        commands = 0

        def execute_command(self, *args: Any, **options: Any) -> Any:
            self.commands += 1
            if self.commands == 5:  # exists, exists, take, put, and now drop
                tiny.merge(SHOP, [WEB])
                tiny.incr([WEB], NOW, now=NOW, amount=2)
                breaking = BreakingClient(connection_pool=tiny.clients.write.connection_pool)
                breaking.break_at(4, carried_out=False)
                with pytest.raises(RedisConnectionError):
                    Store(Clients(tiny.clients.read, breaking), tiny.rollups).merge(SHOP, [WEB])
            return super().execute_command(*args, **options)

    meddling = Meddling(connection_pool=tiny.clients.write.connection_pool)
    Store(Clients(tiny.clients.read, meddling), tiny.rollups).merge(SHOP, [WEB])
    tiny.merge(SHOP, [WEB])
    assert sums(tiny, SHOP) == [3, 3, 3]


def test_increments_are_counted_while_a_series_is_moved_again_and_again(tiny: Store) -> None:
    for _ in range(20):
        tiny.incr_multi([Increment(WEB, NOW), Increment(OLD, NOW)], now=NOW)
        tiny.merge(SHOP, [WEB, OLD])
    assert sums(tiny, SHOP) == [40, 40, 40]
