"""Values that a process makes at their first use and then keeps. One thread makes the value, and the others wait."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

T = TypeVar("T")

PATIENCE = 1.0
"""Seconds that a thread waits for another thread that makes the value."""


class Lazy(Generic[T]):
    """A function without arguments that returns the value made by `make`, the same one at every call.

    `make` is called by one thread at a time, until it succeeds. Raises what `make` raises. A thread that waited for a
    failed attempt of another thread does not try itself, but raises redis.exceptions.ConnectionError with the same
    text. Otherwise the last of a hundred waiting threads would wait for a hundred attempts. Raises
    redis.exceptions.TimeoutError after PATIENCE seconds of waiting.
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

    @property
    def made(self) -> T | None:
        """The value if it was made, for a caller that must not wait for it."""
        return self._made

    def cache_clear(self) -> None:
        """Forget the value, so that the next call makes a new one. For tests."""
        self._made = None
