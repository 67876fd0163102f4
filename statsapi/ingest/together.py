"""Counting arrivals together: those that wait at the same time go to Redis in one call (tsdb/intake.py).

An arrival is sent at once if no call is under way. Otherwise it waits for the end of the call, and then all that wait
are sent together. So the busier a worker is, the less each event costs. Nobody is answered before it is counted.

A thread sends, because redis-py blocks. It touches nothing but Redis, so the event loop goes on meanwhile.
"""

from __future__ import annotations

from asyncio import Future, TimerHandle, get_running_loop
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread

from redis.exceptions import TimeoutError as RedisTimeoutError

from tsdb.intake import Intake, Sent
from tsdb.outcomes import Outcome

SENDERS = 4
"""The most calls that are under way at the same time, each in a thread."""

STUCK = 0.05
"""Seconds after which a call is taken to hang, on one node of a cluster perhaps. Others do not wait for it longer."""

_Waiting = tuple[Sent, "Future[Outcome]"]


class Together:
    """Counts arrivals for one event loop.

    `intake` returns what counts them, and is called in a thread, because it connects. An arrival that is not sent
    within `patience` seconds fails, and is not counted.
    """

    def __init__(self, intake: Callable[[], Intake], patience: float) -> None:
        self._intake = intake
        self._patience = patience
        self.loop = get_running_loop()
        self._waiting: list[tuple[float, Sent, Future[Outcome]]] = []
        self._batches: SimpleQueue[Sequence[_Waiting] | None] = SimpleQueue()
        self._threads = self._under_way = 0
        self._last_began = 0.0
        self._planned: TimerHandle | None = None

    async def count(self, sent: Sent) -> Outcome:
        """Count the arrival and return its outcome. Raises ProjectClosed, redis.exceptions.RedisError."""
        future: Future[Outcome] = self.loop.create_future()
        self._waiting.append((self.loop.time(), sent, future))
        self._plan()
        return await future

    def _plan(self) -> None:
        """Plan the next call: at the end of this round of the loop, or when the calls under way seem to hang."""
        if self._planned is None:
            # What comes in the same round of the loop goes together. Nobody waits for it, because it is here already.
            at = self._last_began + STUCK if self._under_way else 0.0
            self._planned = self.loop.call_at(at, self._send)

    def _send(self) -> None:
        """Hand over all that wait to a thread, if one is free."""
        if self._planned is not None:
            self._planned.cancel()
            self._planned = None
        if not self._waiting or self._under_way >= SENDERS:
            return
        now = self.loop.time()
        batch = []
        for since, sent, future in self._waiting:
            if future.done():  # whoever waited went away
                continue
            if now - since > self._patience:
                future.set_exception(RedisTimeoutError("Redis did not answer those who came before"))
            else:
                batch.append((sent, future))
        self._waiting.clear()
        if not batch:
            return
        if self._under_way == self._threads:
            self._threads += 1
            Thread(target=self._work, name="counting", daemon=True).start()
        self._under_way += 1
        self._last_began = now
        self._batches.put(batch)

    def _work(self) -> None:
        """Count batches for ever, in a thread."""
        while (batch := self._batches.get()) is not None:
            answers: Sequence[Outcome | Exception]
            try:
                answers = self._intake().count_together([sent for sent, _ in batch])
            except Exception as error:
                answers = [error] * len(batch)
            with suppress(RuntimeError):  # the loop has ended, and nobody waits any more
                self.loop.call_soon_threadsafe(self._answer, batch, answers)

    def _answer(self, batch: Sequence[_Waiting], answers: Sequence[Outcome | Exception]) -> None:
        self._under_way -= 1
        for (_, future), answer in zip(batch, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)
        if self._waiting:
            self._send()

    def close(self) -> None:
        """End the threads, once they have counted what they were given."""
        for _ in range(self._threads):
            self._batches.put(None)
