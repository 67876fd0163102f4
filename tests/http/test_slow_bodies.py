"""Which bodies are too slow (statsapi/http/slow_bodies.py). faults/intake/test_slow_clients.py shows how they end."""

from __future__ import annotations

import inspect
import threading
from io import BytesIO

import pytest
from granian.server.mp import MPServer

from statsapi.http.slow_bodies import PATIENCE, Body, Watch

pytestmark = pytest.mark.once

NOW = 1000.0


class Pool:
    """A watch over 16 threads that read bodies."""

    def __init__(self) -> None:
        self.watch = Watch(30, threads=16)

    def body(self, *, began: float, waits: float) -> Body:
        """Add a body that was first read `began` seconds ago and has waited `waits` seconds for a piece."""
        body = Body(BytesIO(), None, self.watch._reading)
        body.began, body.waits_since = NOW - began, NOW - waits
        self.watch._reading[id(body)] = body
        return body

    def too_slow(self) -> set[Body]:
        return self.watch.too_slow(NOW)


@pytest.fixture
def pool() -> Pool:
    return Pool()


def test_a_body_is_too_slow_when_its_time_is_over_however_lively_it_is(pool: Pool) -> None:
    late = pool.body(began=31, waits=0)
    pool.body(began=29, waits=29)
    assert pool.too_slow() == {late}


def test_while_threads_are_scarce_a_body_is_too_slow_that_is_waited_for_for_a_second(pool: Pool) -> None:
    waiting = {pool.body(began=20, waits=PATIENCE + 1) for _ in range(12)}
    lively = pool.body(began=20, waits=PATIENCE / 2)
    assert pool.too_slow() == set()  # three quarters of the threads
    waiting.add(pool.body(began=PATIENCE + 1, waits=PATIENCE + 1))
    assert pool.too_slow() == waiting
    assert lively not in pool.too_slow()


def test_a_read_that_the_watch_has_ended_raises(pool: Pool) -> None:
    class Slow(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            began.set()
            assert ended.wait(10)
            return b""

    began, ended = threading.Event(), threading.Event()
    body = Body(Slow(), None, pool.watch._reading)
    raised: list[BaseException] = []

    def read() -> None:
        with pytest.raises(TimeoutError) as caught:
            body.read(5)
        raised.append(caught.value)

    thread = threading.Thread(target=read)
    thread.start()
    assert began.wait(10)
    pool.watch._reading.clear()
    ended.set()
    thread.join()
    assert raised


def test_a_body_that_is_there_is_read_as_ever_and_not_watched_any_more(pool: Pool) -> None:
    body = Body(BytesIO(b"one\ntwo"), None, pool.watch._reading)
    assert (body.readline(100), body.read(2), body.read()) == (b"one\n", b"tw", b"o")
    assert pool.watch._reading == {}


def test_granian_still_wraps_the_application_where_the_watch_takes_its_place() -> None:
    used = inspect.unwrap(MPServer._spawn_wsgi_worker).__code__.co_names
    assert "_wsgi_call_wrap" in used, (
        "granian has changed: statsapi/http/slow_bodies.py must find another way to its calls"
    )
