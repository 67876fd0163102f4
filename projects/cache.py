"""Cached rows that are never stale: the next request after a write sees it.

The danger of a cache beside a database is the reader who read a row before a change and stores it after the change
was announced. So a change does not delete the entry but puts a *mark* in its place, and a reader stores only where
nothing stands. While the mark stands (MARK_SECONDS, longer than any request) readers ask the database. It is put
before the change, so that a crash between commit and announcement leaves no stale entry, and again on commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cache as once
from functools import partial
from typing import Any

import orjson
from django.core.cache import cache
from django.db import transaction
from django_redis import get_redis_connection
from redis.exceptions import OutOfMemoryError

ENTRY_SECONDS = 600
MARK_SECONDS = 30
_MARK = "changing"


class Ahead:
    """Entries that a request is going to ask for, read in one round trip instead of one each."""

    def __init__(self, keys: Sequence[str]) -> None:
        # As cache.get_many does it, in half the time: a round trip is short enough for that to matter.
        found = _redis().execute_command("MGET", *map(_key, keys))
        self._found = {key: raw and orjson.loads(raw) for key, raw in zip(keys, found, strict=True)}

    def get(self, key: str) -> Any:
        return self._found[key] if key in self._found else cache.get(key)


@once
def _redis() -> Any:
    return get_redis_connection("default")


@once
def _prefix() -> str:
    return str(cache.make_key(""))


def _key(key: str) -> str:
    return _prefix() + key


def cached(key: str, load: Callable[[], Any], ahead: Ahead | None = None) -> Any:
    """The JSON value under `key`, else what `load` returns (None: there is no such row; that is not kept)."""
    found = (ahead or cache).get(key)
    if found is not None and found != _MARK:
        return found
    value = load()
    if value is not None and found is None:
        with suppress(OutOfMemoryError):  # a Redis that is full still answers reads
            cache.add(key, value, ENTRY_SECONDS)
    return value


def forget(keys: Iterable[str]) -> None:
    """To be called inside the transaction that changes what the keys hold."""
    marks = dict.fromkeys(keys, _MARK)
    if marks:
        _put(marks)
        transaction.on_commit(partial(_put, marks))


def _put(marks: dict[str, str]) -> None:
    try:
        cache.set_many(marks, MARK_SECONDS)
    except OutOfMemoryError:
        # A Redis that is full takes no mark, and no reader's entry either: then it is enough to delete. It must not be
        # an error, since deleting a project is how memory is won back.
        cache.delete_many(marks)
