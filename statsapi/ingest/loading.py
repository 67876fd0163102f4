"""Asking the stores in batches, because hundreds of requests may want one object each at the same moment."""

from __future__ import annotations

from asyncio import Future, Task, create_task, get_running_loop, shield, timeout
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Generic, TypeVar

from django.db import OperationalError

from statsapi.door import threads

T = TypeVar("T")

AT_ONCE = 2
"""Batches of a loader that are under way at the same time. Each holds a thread and a connection."""

MOST = 250
"""The most numbers in one batch, which takes a tenth of a second."""

PATIENCE = 2.0
"""Seconds that a request waits for its object."""


class Loader(Generic[T]):
    """Loads objects by their numbers, in batches, in threads. It belongs to one event loop.

    `load` takes numbers, each with the version that the caller has seen or None, and returns an object or an exception
    for each. Callers that ask for the same number before it is loaded share the object. A caller that asks while the
    number is being loaded waits for the next batch, so nobody gets what was read before the call.
    """

    def __init__(self, load: Callable[[Mapping[int, str | None]], Mapping[int, T | Exception]]) -> None:
        self._load = load
        self._waiting: dict[int, tuple[str | None, Future[T]]] = {}
        self._working: set[Task[None]] = set()

    async def ask(self, number: int, version: str | None = None) -> T:
        """Return the object of that number.

        Raises the exception that `load` returned for it, or raised. Raises django.db.OperationalError if loading takes
        longer than PATIENCE.
        """
        seen, future = self._waiting.get(number) or (None, get_running_loop().create_future())
        self._waiting[number] = version or seen, future
        if len(self._working) < AT_ONCE:
            task = create_task(self._work())
            self._working.add(task)
            task.add_done_callback(self._working.discard)
        try:
            async with timeout(PATIENCE):
                return await shield(future)  # others may wait for it too
        except TimeoutError:
            raise OperationalError("the stores are too slow to say who may send") from None

    async def _work(self) -> None:
        """Load batches as long as somebody waits."""
        while self._waiting:
            batch = {number: self._waiting.pop(number) for number in list(self._waiting)[:MOST]}
            wanted = {number: version for number, (version, _) in batch.items()}
            answers: Mapping[int, T | Exception]
            try:
                answers = await threads.in_thread(self._load, wanted)
            except Exception as error:
                answers = dict.fromkeys(batch, error)
            for number, (_, future) in batch.items():
                answer = answers[number]
                if isinstance(answer, Exception):
                    future.set_exception(answer)
                    with suppress(Exception):
                        future.exception()  # whoever asked may have given up, and that is no error
                else:
                    future.set_result(answer)
