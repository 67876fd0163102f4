"""Cached rows that are never stale: the next request after a write sees it.

The danger of a cache beside a database is the reader who read a row before a change and stores it after the change
was announced. So a change does not delete the entry but puts a *mark* in its place, and a reader stores only where
nothing stands. While the mark stands (MARK_SECONDS, longer than any request) readers ask the database. It is put
before the change, so that a crash between commit and announcement leaves no stale entry, and again on commit.

Whatever else stands under a key is junk: the entry of another version, another program's value. It is a miss, and the
next entry replaces it.
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
"""Stands in each entry. Another number whenever an entry's shape changes makes all old entries junk."""

_MARK = "changing"
_RAW_MARK = json.dumps(_MARK).encode()

_STORE = """#!lua
-- KEYS 1 the entry's key; ARGV 1 the entry, 2 its seconds, 3 the junk that stands there (absent: nothing was seen)
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'string' or (ARGV[3] and redis.call('GET', KEYS[1]) == ARGV[3]) then
    redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
end
"""
"""Stores where nothing stands (its type is none), or still the same junk. A mark is a string, and stays."""

T = TypeVar("T")


class Ahead:
    """Entries that a request is going to ask for, read in one round trip instead of one each."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._found = dict(zip(keys, _read(keys), strict=True))

    def get(self, key: str) -> bytes | None:
        return self._found[key] if key in self._found else _read([key])[0]


_redis: Lazy[Any] = Lazy(lambda: get_redis_connection("default"))


@once
def _prefix() -> str:
    return str(cache.make_key(""))


def _key(key: str) -> str:
    return _prefix() + key


def _read(keys: Sequence[str]) -> list[bytes | None]:
    # As cache.get_many does it, in half the time: a round trip is short enough for that to matter. What is no string
    # at all is None to MGET, where GET would fail.
    found: list[bytes | None] = _redis().get_many([_key(key) for key in keys])
    return found


def cached(
    key: str, load: Callable[[], T | None], decode: Callable[[Any], T | None], ahead: Ahead | None = None
) -> T | None:
    """What stands under `key`, else what `load` returns (None: there is no such row; that is not kept).

    `decode` makes it of a JSON value, and returns None for a value that it does not know.
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
    """Connects to the cache. Raises RedisError."""
    _read([""])


def replace(key: str, value: object) -> None:
    """Stores an entry whatever stands there; for what no change makes stale."""
    with unless_refused():
        _redis().set(_key(key), _entry(value), ex=ENTRY_SECONDS)


def _keep(key: str, value: object, junk: bytes | None) -> None:
    with unless_refused():
        _redis().eval(_STORE, 1, _key(key), _entry(value), ENTRY_SECONDS, *([] if junk is None else [junk]))


def _entry(value: object) -> str:
    return json.dumps([FORMAT, value])


@contextmanager
def unless_refused() -> Iterator[None]:
    """For what is only kept to be faster: a Redis that refuses writes still answers reads."""
    try:
        yield
    except ResponseError as error:
        if refusal(error) is None:
            raise


def forget(keys: Iterable[str]) -> None:
    """To be called inside the transaction that changes what the keys hold."""
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
        # A Redis that is full takes no mark, and no reader's entry either: then it is enough to delete. It must not be
        # an error, since deleting a project is how memory is won back. One that cannot write its file does not delete
        # either, and readers could find the entry for as long as it stands: then this raises, and nothing is changed.
        cache.delete_many(marks)
