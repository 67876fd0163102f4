"""Stamps: what stands under one is true until a change begins, and no interrupted change makes an old value valid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.tsdb.tools import NOW, TINY
from tsdb.outcomes import Category, Outcome
from tsdb.reading import MANY
from tsdb.series import Series, stamp_key, total
from tsdb.stamps import CHANGE_SECONDS, LIFE_SECONDS, Outdated, Stamp
from tsdb.store import Store
from tsdb.timeline import Window

KEY = stamp_key(1)


def read(store: Store) -> bytes | None:
    return store.stamps.read(1)


def test_a_value_stays_until_a_change(store: Store) -> None:
    value = read(store)
    assert value
    assert read(store) == value
    store.stamps.end(1, store.stamps.begin(1))
    assert read(store) not in (None, value)


def test_a_value_does_not_live_forever(store: Store) -> None:
    ttl: Any = store.clients.read.ttl
    read(store)
    assert 0 < ttl(KEY) <= LIFE_SECONDS
    change = store.stamps.begin(1)
    assert 0 < ttl(KEY) <= CHANGE_SECONDS
    store.stamps.end(1, change)
    assert CHANGE_SECONDS < ttl(KEY) <= LIFE_SECONDS


def test_while_a_change_is_under_way_nothing_may_be_kept(store: Store) -> None:
    store.stamps.begin(1)
    assert [read(store), read(store)] == [None, None]


@pytest.mark.parametrize("first_ends_first", [True, False])
def test_the_end_of_one_change_does_not_end_another(store: Store, first_ends_first: bool) -> None:
    changes = [store.stamps.begin(1), store.stamps.begin(1)]
    one, other = changes if first_ends_first else changes[::-1]
    store.stamps.end(1, one)
    assert read(store) is None
    store.stamps.end(1, other)
    assert read(store)


def test_a_change_that_is_never_ended_expires_though_others_come_and_go(store: Store) -> None:
    store.clients.write.set(KEY, "changing 0123456789abcdef:1")  # it was to end in 1970
    store.stamps.end(1, store.stamps.begin(1))
    assert read(store)


def test_a_change_whose_mark_has_expired_still_ends_with_a_new_value(store: Store) -> None:
    change = store.stamps.begin(1)
    store.clients.write.delete(KEY)
    value = read(store)  # of a reader that has read the rows as they were
    store.stamps.end(1, change)
    assert read(store) not in (None, value)


def test_where_all_was_lost_the_value_is_new(store: Store) -> None:
    value = read(store)
    store.clients.write.flushdb()
    assert read(store) not in (None, value)


def test_each_stamp_is_of_its_own_and_all_can_be_forgotten(store: Store) -> None:
    values = {number: store.stamps.read(number) for number in range(1, 4)}
    assert len(set(values.values())) == 3
    store.stamps.begin(3)
    store.stamps.forget_all()
    assert not {store.stamps.read(number) for number in range(1, 4)} & {*values.values(), None}


JUNK: dict[str, Callable[[Any], object]] = {
    "nothing": lambda redis: redis.set(KEY, ""),
    "a text": lambda redis: redis.set(KEY, "junk"),
    "a mark": lambda redis: redis.set(KEY, "changing"),
    "half a mark": lambda redis: redis.set(KEY, "changing 12:x :5 ff:99999999999999999999999"),
    "bytes": lambda redis: redis.set(KEY, b"\xff\0\n"),
    "a list": lambda redis: redis.rpush(KEY, "a"),
    "a hash": lambda redis: redis.hset(KEY, "a", "b"),
}


@pytest.mark.parametrize("put", JUNK.values(), ids=JUNK)
def test_junk_is_no_value_that_was_known_and_the_next_change_replaces_it(
    store: Store, put: Callable[[Any], object]
) -> None:
    value = read(store)
    store.clients.write.delete(KEY)
    put(store.clients.write)
    junk = read(store)
    assert junk != value
    store.stamps.end(1, store.stamps.begin(1))
    assert read(store) not in (None, value, junk)


# --- reading counts and a stamp together


def series_of(projects: int) -> list[Series]:
    return [total(project, Category.ERROR, Outcome.ACCEPTED) for project in range(1, projects + 1)]


@pytest.mark.parametrize("projects", [1, MANY])
def test_a_read_of_counts_compares_a_stamp(store: Store, projects: int) -> None:
    store = Store(store.clients, TINY)
    window = Window(TINY[0], NOW - 1, NOW)
    value = read(store)
    stamp = Stamp(KEY, value)
    expected = store.get_added(series_of(projects), window, now=NOW)
    assert store.get_added(series_of(projects), window, now=NOW, stamp=stamp) == expected
    assert stamp.is_compared
    store.stamps.begin(1)
    outdated = Stamp(KEY, value)
    with pytest.raises(Outdated):
        store.get_added(series_of(projects), window, now=NOW, stamp=outdated)
    assert not outdated.is_compared
    store.clients.write.flushdb()
    with pytest.raises(Outdated):
        store.get_added(series_of(projects), window, now=NOW, stamp=outdated)
