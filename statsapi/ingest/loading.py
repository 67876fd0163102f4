"""Loading from the database in batches, because hundreds of requests may want one object each at the same moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Event, Lock, Thread
from typing import Generic, TypeVar

from django.db import OperationalError, connection

T = TypeVar("T")

AT_ONCE = 2
"""Threads of a worker that load at the same time. Each uses a connection to the database."""

MOST = 250
"""The most numbers in one batch, which takes a tenth of a second."""

PATIENCE = 2.0
"""Seconds that a request waits for its object."""


class Loader(Generic[T]):
    """Loads objects by their numbers, in batches.

    `load` takes numbers, each with the version that the caller has seen or None, and returns an object or an exception
    for each. Callers that ask for the same number before it is loaded share the object. A caller that asks while the
    number is being loaded waits for the next batch, so nobody gets what was read before the call.
    """

    def __init__(self, load: Callable[[Mapping[int, str | None]], Mapping[int, T | Exception]]) -> None:
        self._load = load
        self._lock = Lock()
        self._waiting: dict[int, _Wanted[T]] = {}
        self._threads = 0

    def ask(self, number: int, version: str | None) -> T:
        """Return the object of that number.

        Raises the exception that `load` returned for it, or raised. Raises django.db.OperationalError if loading takes
        longer than PATIENCE.
        """
        if connection.in_atomic_block:
            # Another connection does not see what this transaction has changed.
            return _result(self._load({number: version})[number])
        with self._lock:
            wanted = self._waiting.setdefault(number, _Wanted())
            wanted.version = version or wanted.version
            if self._threads < AT_ONCE:
                self._begin()
        if not wanted.ready.wait(PATIENCE):
            raise OperationalError("the database is too slow to say who may send")
        return _result(wanted.answer)

    def _begin(self) -> None:
        """Start one more thread. If the system refuses it, a thread that runs already does the work."""
        try:
            Thread(target=self._work, name="loading", daemon=True).start()
        except RuntimeError as error:
            if not self._threads:
                raise OperationalError("no thread can be started to ask the database") from error
        else:
            self._threads += 1

    def _work(self) -> None:
        """Load batches as long as somebody waits."""
        try:
            while batch := self._next():
                self._answer(batch)
        finally:
            connection.close()

    def _next(self) -> dict[int, _Wanted[T]]:
        with self._lock:
            numbers = list(self._waiting)[:MOST]
            if not numbers:
                self._threads -= 1
            return {number: self._waiting.pop(number) for number in numbers}

    def _answer(self, batch: Mapping[int, _Wanted[T]]) -> None:
        answers: Mapping[int, T | Exception]
        try:
            answers = self._load({number: wanted.version for number, wanted in batch.items()})
        except Exception as error:
            answers = dict.fromkeys(batch, error)
        for number, wanted in batch.items():
            wanted.answer = answers[number]
            wanted.ready.set()


class _Wanted(Generic[T]):
    answer: T | Exception

    def __init__(self) -> None:
        self.version: str | None = None
        self.ready = Event()


def _result(answer: T | Exception) -> T:
    if isinstance(answer, Exception):
        raise answer
    return answer
