"""Cached rows that are never stale: the first request after a write sees the write.

A cache beside a database has one danger: a reader loads a row, the row changes and its entry is deleted, and then the
reader stores the old row. So a change does not delete the entry but replaces it with a *mark*, and a reader stores
only where there is no entry and no mark. While the mark is there (MARK_SECONDS, longer than any request), readers ask
the database. The mark is put before the change, so that a crash after the commit leaves no stale entry, and once more
on commit.

Any other value under a key is junk, such as the entry of another version or a value of another program. Junk is a
miss, and the next entry replaces it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache as once
from functools import partial
from typing import Any, TypeVar

import orjson
from django.core.cache import cache
from django.db import transaction
from django_redis import get_redis_connection
from redis.exceptions import ResponseError

from projects.lazy import Lazy
from tsdb.refusals import refusal

ENTRY_SECONDS = 600
MARK_SECONDS = 30
FORMAT = 2
"""The version of the entries' shape, stored in each entry. A new number makes all old entries junk."""

_MARK = "changing"
_RAW_MARK = json.dumps(_MARK).encode()

_STORE = """#!lua
-- KEYS 1 the entry's key; ARGV 1 the entry, 2 its lifetime in seconds, 3 the junk that was found (absent: nothing)
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'string' or (ARGV[3] and redis.call('GET', KEYS[1]) == ARGV[3]) then
    redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
end
"""
"""Stores an entry if the key does not exist or still holds the same junk. A mark is a string, so it stays."""

T = TypeVar("T")


class Ahead:
    """Entries that a request will ask for, read in one round trip instead of one for each."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._found = dict(zip(keys, _read(keys), strict=True))

    def get(self, key: str) -> bytes | None:
        """Return the raw entry under `key`, or None. A key that was not read ahead is read now."""
        return self._found[key] if key in self._found else _read([key])[0]


_redis: Lazy[Any] = Lazy(lambda: get_redis_connection("default"))


@once
def _prefix() -> str:
    return str(cache.make_key(""))


def _key(key: str) -> str:
    return _prefix() + key


def _read(keys: Sequence[str]) -> list[bytes | None]:
    # This does what cache.get_many does, in half the time. A round trip is so short that this matters. MGET answers
    # None for a value that is not a string, where GET would fail.
    found: list[bytes | None] = _redis().get_many([_key(key) for key in keys])
    return found


def cached(
    key: str, load: Callable[[], T | None], decode: Callable[[Any], T | None], ahead: Ahead | None = None
) -> T | None:
    """Return the cached value under `key`, or else what `load` returns, which is then cached.

    `load` returns None if there is no such row. None is not cached. `decode` turns the JSON value of an entry into the
    value to return. It returns None for a JSON value that it does not understand, which makes the entry junk. `ahead`
    holds entries that were already read.
    """
    raw = ahead.get(key) if ahead else _read([key])[0]
    found = _decoded(raw, decode)
    if found is not None:
        return found
    value = load()
    if value is not None and raw != _RAW_MARK:
        _keep(key, value, raw)
    return value


def _decoded(raw: bytes | None, decode: Callable[[Any], T | None]) -> T | None:
    if raw is None or raw == _RAW_MARK:
        return None
    try:
        match orjson.loads(raw):
            case [int(number), value] if number == FORMAT:
                return decode(value)
    except ValueError:
        pass
    return None


def look() -> None:
    """Read from the cache, which connects to it. Raises RedisError if it cannot be reached."""
    _read([""])


def replace(key: str, value: object) -> None:
    """Store an entry even over a mark. Use this only for values that no change makes stale."""
    with unless_refused():
        _redis().set(_key(key), _entry(value), ex=ENTRY_SECONDS)


def _keep(key: str, value: object, junk: bytes | None) -> None:
    with unless_refused():
        _redis().eval(_STORE, 1, _key(key), _entry(value), ENTRY_SECONDS, *([] if junk is None else [junk]))


def _entry(value: object) -> str:
    return json.dumps([FORMAT, value])


@contextmanager
def unless_refused() -> Iterator[None]:
    """Suppress the error of a Redis that refuses writes. Nothing is lost if an entry of the cache is not stored."""
    try:
        yield
    except ResponseError as error:
        if refusal(error) is None:
            raise


def forget(keys: Iterable[str]) -> None:
    """Put a mark in place of the entries under `keys`, now and again on commit.

    Call this inside the transaction that changes the rows behind them. Raises RedisError if a mark can be neither put
    nor replaced by a deletion.
    """
    marks = dict.fromkeys(keys, _MARK)
    if marks:
        _put(marks)
        transaction.on_commit(partial(_put, marks))


def _put(marks: dict[str, str]) -> None:
    try:
        cache.set_many(marks, MARK_SECONDS)
    except ResponseError as error:
        if refusal(error) is None:
            raise
        # A Redis that is full takes no mark, but no reader's entry either, so it is enough to delete the entry. It must
        # not be an error, because deleting a project is how memory is won back. A Redis that cannot write its file does
        # not delete either, and readers could find the old entry. Then this raises, and the change is rolled back.
        cache.delete_many(marks)
