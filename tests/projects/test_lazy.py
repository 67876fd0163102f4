"""A Lazy value: one thread makes it, the others wait for it, and a failure reaches all of them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from projects import lazy
from projects.lazy import Lazy
from tests.servers import wait_for

pytestmark = pytest.mark.once

CROWD = 20


class Maker:
    """Makes an object once it may, or fails if it is told to. Counts the calls."""

    def __init__(self) -> None:
        self.may, self.fails, self.calls = threading.Event(), False, 0

    def __call__(self) -> object:
        self.calls += 1
        self.may.wait(10)
        if self.fails:
            raise RedisConnectionError("not there")
        return object()


class Door:
    """A lock that counts the threads that came to it, so that a test knows when all of them wait."""

    def __init__(self) -> None:
        self.lock, self.came = threading.Lock(), 0

    def acquire(self, timeout: float) -> bool:
        self.came += 1
        return self.lock.acquire(timeout=timeout)

    def release(self) -> None:
        self.lock.release()


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let threads wait for longer than a busy machine needs to run all of them."""
    monkeypatch.setattr(lazy, "PATIENCE", 20.0)


def test_a_crowd_gets_one_and_the_same() -> None:
    maker = Maker()
    get = Lazy(maker)
    with ThreadPoolExecutor(CROWD) as crowd:
        found = [crowd.submit(get) for _ in range(CROWD)]
        wait_for(lambda: maker.calls == 1, "the first one")
        maker.may.set()
        assert len({id(one.result()) for one in found}) == 1
    assert maker.calls == 1


def test_who_waited_for_a_try_that_failed_does_not_try_in_turn_but_whoever_comes_later_does() -> None:
    maker = Maker()
    maker.fails = True
    get: Any = Lazy(maker)
    door = get._lock = Door()
    with ThreadPoolExecutor(CROWD) as crowd:
        found = [crowd.submit(get) for _ in range(CROWD)]
        wait_for(lambda: door.came == CROWD, "the crowd")  # a thread that came after the failure would try again
        maker.may.set()
        for one in found:
            with pytest.raises(RedisConnectionError, match="not there"):
                one.result()
    assert maker.calls == 1
    maker.fails = False
    assert get() is get()


def test_nobody_waits_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lazy, "PATIENCE", 0.01)
    maker = Maker()
    get = Lazy(maker)
    with ThreadPoolExecutor(1) as another:
        made = another.submit(get)
        wait_for(lambda: maker.calls == 1, "the first one")
        with pytest.raises(RedisTimeoutError):
            get()
        maker.may.set()
        assert made.result() is get()  # in this order, because it does not wait while the other one still makes it
