"""The cache never returns an old value. Each race that projects/cache.py describes is replayed step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.core.cache import cache
from django.db import transaction

from projects.cache import ENTRY_SECONDS, MARK_SECONDS, cached, forget

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "the key"


def decode(value: object) -> object:
    return value


class Row:
    """Stands for a row of a database, and counts how often it is read."""

    def __init__(self) -> None:
        self.value: object = "old"
        self.reads = 0
        self.while_reading: Callable[[], None] = lambda: None

    def load(self) -> object:
        self.reads += 1
        value = self.value
        self.while_reading()  # something happens between reading and storing
        return value

    def seen(self) -> object:
        return cached(KEY, self.load, decode)

    def change(self) -> None:
        """Change the row in a transaction, as a service does."""
        with transaction.atomic():
            forget([KEY])
            transaction.on_commit(lambda: setattr(self, "value", "new"))


@pytest.fixture
def row() -> Iterator[Row]:
    row = Row()
    yield row
    cache.delete(KEY)


def expire_the_mark() -> None:
    cache.delete(KEY)


def test_a_row_is_read_once(row: Row) -> None:
    assert [row.seen(), row.seen(), row.seen()] == ["old"] * 3
    assert row.reads == 1
    assert 0 < cache.ttl(KEY) <= ENTRY_SECONDS  # type: ignore[attr-defined]


@pytest.mark.parametrize("value", [{}, [], 0, "", False])
def test_what_is_empty_is_kept_too(row: Row, value: object) -> None:
    row.value = value
    assert [row.seen(), row.seen()] == [value] * 2
    assert row.reads == 1


def test_that_there_is_no_row_is_not_kept(row: Row) -> None:
    row.value = None
    assert row.seen() is None
    row.value = "made since"
    assert row.seen() == "made since"


def test_a_change_is_seen_at_the_next_read(row: Row) -> None:
    assert row.seen() == "old"
    row.change()
    assert row.seen() == "new"


def test_while_the_mark_stands_each_read_asks_the_database(row: Row) -> None:
    row.change()
    assert [row.seen(), row.seen()] == ["new"] * 2
    assert row.reads == 2
    assert 0 < cache.ttl(KEY) <= MARK_SECONDS  # type: ignore[attr-defined]


def test_a_reader_that_met_a_mark_stores_nothing_even_when_it_ends_meanwhile(row: Row) -> None:
    row.change()
    row.while_reading = expire_the_mark
    row.seen()
    assert cache.get(KEY) is None


def test_when_the_mark_is_gone_a_row_is_kept_again(row: Row) -> None:
    row.change()
    expire_the_mark()
    assert [row.seen(), row.seen()] == ["new"] * 2
    assert row.reads == 1


def test_a_reader_that_read_before_the_change_stores_nothing_after_it(row: Row) -> None:
    row.while_reading = row.change
    assert row.seen() == "old"  # it read before the change was committed
    row.while_reading = lambda: None
    assert row.seen() == "new"


def test_a_reader_that_began_before_the_mark_stores_nothing_under_it(row: Row) -> None:
    with transaction.atomic():
        row.while_reading = lambda: forget([KEY])
        assert row.seen() == "old"
        row.while_reading = lambda: None
        transaction.on_commit(lambda: setattr(row, "value", "new"))
    assert row.seen() == "new"


def test_a_reader_during_the_change_stores_nothing(row: Row) -> None:
    row.seen()
    with transaction.atomic():
        forget([KEY])
        assert row.seen() == "old"  # not committed yet
        transaction.on_commit(lambda: setattr(row, "value", "new"))
    assert row.seen() == "new"


def test_a_change_that_outlives_its_mark_puts_it_again(row: Row) -> None:
    with transaction.atomic():
        forget([KEY])
        expire_the_mark()
        assert row.seen() == "old"  # and the old row is cached
        transaction.on_commit(lambda: setattr(row, "value", "new"))
    assert row.seen() == "new"


def test_a_change_whose_end_is_never_announced_leaves_nothing_stale(row: Row) -> None:
    """Stands for a process that dies between the commit and the second mark."""
    row.seen()
    with transaction.atomic():
        forget([KEY])
        transaction.get_connection().run_on_commit.clear()
    row.value = "new"
    assert row.seen() == "new"


def test_a_change_that_was_rolled_back_leaves_the_row_as_it_was(row: Row) -> None:
    row.seen()
    with transaction.atomic():
        forget([KEY])
        transaction.set_rollback(True)
    assert row.seen() == "old"
    expire_the_mark()
    assert row.seen() == "old"


def test_many_keys_are_forgotten_together_and_none_is_no_error(row: Row) -> None:
    row.seen()
    cached("another key", lambda: 1, decode)
    with transaction.atomic():
        forget([])
        forget(["another key", KEY])
    row.value = "new"
    assert row.seen() == "new"
    assert cached("another key", lambda: 2, decode) == 2
