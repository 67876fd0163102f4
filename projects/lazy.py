"""What a process makes when it is first needed, and keeps: made by one thread, for which the others wait."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

T = TypeVar("T")

PATIENCE = 1.0
"""Seconds that a thread waits for another one that makes it."""


class Lazy(Generic[T]):
    """Calls `make` until it succeeds, never twice at a time, and returns what it made ever after.

    Raises what `make` raises. Who waited for another thread's try shares its failure, as a RedisError, instead of
    trying in turn: a crowd would have to wait for as many tries as it has heads.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = Lock()
        self._failures = 0
        self._failure = ""
        self._made: T | None = None

    def __call__(self) -> T:
        made = self._made
        return self._first() if made is None else made

    def _first(self) -> T:
        failures = self._failures
        if not self._lock.acquire(timeout=PATIENCE):
            raise RedisTimeoutError("Redis is too slow: another thread is still connecting to it")
        try:
            if self._made is None and self._failures > failures:
                raise RedisConnectionError(self._failure)
            if self._made is None:
                try:
                    self._made = self._make()
                except Exception as error:
                    self._failure, self._failures = str(error), self._failures + 1
                    raise
            return self._made
        finally:
            self._lock.release()

    def cache_clear(self) -> None:
        """It is made anew when it is next needed. For tests."""
        self._made = None
