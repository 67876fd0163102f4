"""Deleting a project's counts deletes all its keys, and none of another project."""

from __future__ import annotations

import pytest

from tests.tsdb.tools import NOW, SHOP, WEB, keys_of, merge, sums
from tsdb.outcomes import Category, Outcome
from tsdb.series import Series, of_event
from tsdb.store import Claim, Increment, ProjectClosed, Store


def fill(store: Store, project: int) -> None:
    store.open(project)
    for category in (Category.ERROR, Category.TRANSACTION):
        event = of_event(project, 1, category, Outcome.ACCEPTED, environment_id=2)
        claim = Claim(f"event:{category}", "x", 60)
        store.incr_multi([Increment(series, NOW) for series in event], now=NOW, claim=claim)


def test_a_scan_finds_nothing_of_it_and_the_number_of_keys_is_told(store: Store) -> None:
    fill(store, 7)
    number = len(keys_of(store, 7))
    assert number > 15
    assert store.delete([7]) == number
    assert keys_of(store, 7) == set()
    assert list(store.clients.read.scan_iter("*{7}*")) == []


def test_projects_whose_numbers_begin_alike_stay(store: Store) -> None:
    for project in (7, 77, 70, 17):
        fill(store, project)
    others = {project: keys_of(store, project) for project in (77, 70, 17)}
    store.delete([7])
    assert {project: keys_of(store, project) for project in others} == others


def test_many_go_in_one_call(store: Store) -> None:
    for project in range(1, 41):
        fill(store, project)
    number = sum(len(keys_of(store, project)) for project in range(1, 31))
    assert store.delete(range(1, 31)) == number
    assert {project for project in range(1, 41) if keys_of(store, project)} == set(range(31, 41))


def test_deleting_what_is_not_there_deletes_nothing(store: Store) -> None:
    assert store.delete([]) == 0
    assert store.delete([7]) == 0
    fill(store, 7)
    assert store.delete([7, 8]) > 0
    assert store.delete([7, 8]) == 0


def test_a_deleted_project_refuses_to_be_counted_into_however_it_is_tried(tiny: Store) -> None:
    tiny.incr([WEB], NOW, now=NOW)
    tiny.delete([7])
    with pytest.raises(ProjectClosed):
        tiny.incr([WEB], NOW, now=NOW)
    with pytest.raises(ProjectClosed):
        tiny.incr_multi([Increment(WEB, NOW)], now=NOW, claim=Claim("a", "x", 60))
    with pytest.raises(ProjectClosed):
        tiny.incr_multi([Increment(WEB, NOW), Increment(SHOP, NOW)], now=NOW)
    with pytest.raises(ProjectClosed):
        tiny.incr_bulk([Increment(WEB, NOW)], now=NOW)
    with pytest.raises(ProjectClosed):
        merge(tiny, WEB, [SHOP])
    assert keys_of(tiny, 7) == set()


def test_what_was_on_its_way_to_another_series_goes_too(tiny: Store) -> None:
    tiny.clients.write.hset(Series(7, "t").moving_key(tiny.rollups[0]), "token", "x")
    tiny.delete([7])
    assert keys_of(tiny, 7) == set()


def test_opened_again_it_starts_at_0(tiny: Store) -> None:
    tiny.incr_multi([Increment(WEB, NOW, 5)], now=NOW, claim=Claim("a", "x", 60))
    tiny.delete([7])
    tiny.open(7)
    assert sums(tiny, WEB) == [0, 0, 0]
    assert tiny.series_of(7) == []
    assert tiny.incr_multi([Increment(WEB, NOW, 1)], now=NOW, claim=Claim("a", "x", 60)) is True
    assert sums(tiny, WEB) == [1, 1, 1]
