"""Pools of threads (statsapi/door/threads.py). test_on_servers.py shows that more are started while all wait."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import pytest

from statsapi.door import threads
from statsapi.door.threads import Full, Pool, in_thread
from tests.servers import wait_for


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(coroutine, 20))


def running(name: str) -> int:
    return sum(one.name == name for one in threading.enumerate())


class Bulky(Exception):
    """An error that holds something large."""


def test_an_error_of_a_call_leaves_nothing_for_the_garbage_collector() -> None:
    def fail() -> None:
        raise Bulky

    async def calls() -> None:
        pool = Pool("one", 1)
        with suppress(Bulky):
            await pool.run(fail)
        await pool.run(int)  # so that the thread has done with the call before

    gc.collect()
    gc.disable()
    try:
        run(calls())
        assert not [one for one in gc.get_objects() if type(one) is Bulky]  # isinstance would ask lazy objects
    finally:
        gc.enable()


def test_a_call_returns_or_raises_what_the_function_does() -> None:
    async def calls() -> None:
        pool = Pool("one", 1)
        assert await pool.run(divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            await pool.run(divmod, 7, 0)
        assert await pool.run(threading.current_thread) is not threading.current_thread()

    run(calls())


def test_threads_that_were_started_while_all_waited_end_when_they_are_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "IDLE", 0.05)
    go_on = threading.Event()

    async def calls() -> None:
        pool = Pool("few", 2)
        waiting = [asyncio.create_task(pool.run(go_on.wait)) for _ in range(10)]
        assert await pool.run(str, 1) == "1"
        go_on.set()
        assert await asyncio.gather(*waiting) == [True] * 10

    run(calls())
    wait_for(lambda: running("few") == 2, "the end of the other threads")


def test_threads_that_compute_are_not_joined_by_others(monkeypatch: pytest.MonkeyPatch) -> None:
    # On a busy machine this whole process may stand still for 0.1 s, and its threads then do not take BUSY calls.
    monkeypatch.setattr(threads, "LATE", 0.5)

    async def calls() -> int:
        pool = Pool("busy", 2)
        deadline = time.monotonic() + 4 * threads.LATE
        most = 0
        while time.monotonic() < deadline:
            await asyncio.gather(*(pool.run(int, 1) for _ in range(500)))
            most = max(most, running("busy"))
        return most

    assert run(calls()) == 2


def test_who_gave_up_is_not_told_and_harms_nobody() -> None:
    go_on = threading.Event()

    async def calls() -> None:
        pool = Pool("given up", 1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await pool.run(go_on.wait)
        go_on.set()
        assert await pool.run(str, 1) == "1"

    run(calls())


def test_work_is_refused_when_too_much_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "WAITING", 0)
    with pytest.raises(Full):
        run(in_thread(str, 1))
