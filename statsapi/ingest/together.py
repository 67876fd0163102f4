"""Counting arrivals together: those that wait at the same time go to Redis in one call (tsdb/intake.py).

An arrival is sent at once if no call is under way. Otherwise it waits for the end of the call, and then all that wait
are sent together. So the busier a worker is, the less each event costs. Nobody is answered before it is counted.

There is a lane for each server of Redis, so in a cluster nobody waits for a node that hangs but those whose counts lie
there. A thread of the lane sends, because redis-py blocks. It touches nothing but Redis, so the event loop goes on
meanwhile.
"""

from __future__ import annotations

from asyncio import Future, get_running_loop
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread

from redis.exceptions import TimeoutError as RedisTimeoutError

from tsdb.arrivals import Decision, Sent
from tsdb.intake import Intake

_Waiting = tuple[Sent, "Future[Decision]"]


class Together:
    """Counts arrivals for one event loop.

    `intake` returns what counts them, and is called in a thread, because it connects. `lane_of` returns the name of the
    server of a project.
    """

    def __init__(self, intake: Callable[[], Intake], lane_of: Callable[[int], str]) -> None:
        self.loop = get_running_loop()
        self._intake, self._lane_of = intake, lane_of
        self._lanes: dict[str, _Lane] = {}

    async def count(self, sent: Sent) -> Decision:
        """Count the arrival and return what became of it. Raises ProjectClosed, redis.exceptions.RedisError."""
        name = self._lane_of(sent.project)
        lane = self._lanes.get(name)
        if lane is None:
            lane = self._lanes[name] = _Lane(self._intake)
        return await lane.count(sent)

    def close(self) -> None:
        """End the threads, once they have counted what they were given."""
        for lane in self._lanes.values():
            lane.batches.put(None)


class _Lane:
    """Counts arrivals of one server, one call after the other."""

    def __init__(self, intake: Callable[[], Intake]) -> None:
        self.batches: SimpleQueue[Sequence[_Waiting] | None] = SimpleQueue()
        self._intake = intake
        self._loop = get_running_loop()
        self._waiting: list[_Waiting] = []
        self._is_busy = False
        Thread(target=self._work, name="counting", daemon=True).start()

    async def count(self, sent: Sent) -> Decision:
        future: Future[Decision] = self._loop.create_future()
        self._waiting.append((sent, future))
        if not self._is_busy:
            self._is_busy = True
            # What comes in the same round of the loop goes together. Nobody waits for it, because it is here already.
            self._loop.call_soon(self._send)
        return await future

    def _send(self) -> None:
        """Hand all that wait to the thread. Who went away meanwhile is not counted."""
        batch = [one for one in self._waiting if not one[1].done()]
        self._waiting.clear()
        self._is_busy = bool(batch)
        if batch:
            self.batches.put(batch)

    def _work(self) -> None:
        """Count batches for ever, in a thread."""
        while (batch := self.batches.get()) is not None:
            answers: Sequence[Decision | Exception]
            try:
                answers = self._intake().count_together([sent for sent, _ in batch])
            except Exception as error:
                answers = [error] * len(batch)
            with suppress(RuntimeError):  # the loop has ended, and nobody waits any more
                self._loop.call_soon_threadsafe(self._answer, batch, answers)

    def _answer(self, batch: Sequence[_Waiting], answers: Sequence[Decision | Exception]) -> None:
        hangs = next((one for one in answers if isinstance(one, RedisTimeoutError)), None)
        if hangs is not None:  # who waited for this call would wait as long again
            batch, answers = [*batch, *self._waiting], [*answers, *[hangs] * len(self._waiting)]
            self._waiting.clear()
        for (_, future), answer in zip(batch, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)
        self._send()
