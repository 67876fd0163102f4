"""Threads for what blocks: Django's requests, and longer work of intake. The event loop never waits for either.

A few threads serve best while they compute, because they share one interpreter. But all of them may wait, for a locked
row or a slow database, and requests that need neither must not wait behind them. So more are started when work has
waited LATE seconds in the queue although the threads hardly finish anything.
"""

from __future__ import annotations

import logging
import sys
import threading
from asyncio import AbstractEventLoop, Future, get_running_loop
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from django.db import close_old_connections, connections

T = TypeVar("T")

log = logging.getLogger(__name__)

MOST = 64
"""The most threads of a pool."""
WAITING = 2048
"""The most calls that wait for a thread of a pool."""
LATE = 0.1
"""Seconds that a call may wait before more threads are started."""
BUSY = 5
"""A thread that takes this many calls in LATE seconds computes, and is not helped by more threads."""
IDLE = 2.0
"""Seconds after which an additional thread ends if it finds nothing to do."""
SWITCH = 0.0005
"""Seconds after which a thread that computes lets another one run, which may be the loop's. Beside two threads that
compute, the loop woke up 15 ms late with Python's own 5 ms, and 1.8 ms late with this (the medians)."""


_Call = tuple[Callable[..., Any], tuple[Any, ...], Future[Any], AbstractEventLoop]


class Full(Exception):
    """Too many calls are waiting for a thread."""


class Pool:
    """Runs calls in `least` threads, and in up to MOST while those are blocked.

    Its methods belong to one event loop. Threads are started when they are first needed.
    """

    def __init__(self, name: str, least: int) -> None:
        self._name, self._least = name, least
        self._calls: SimpleQueue[_Call] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._put = self._put_before = self._taken_before = 0
        self._looks = False

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Return what the function returns in a thread, or raise what it raises."""
        loop = get_running_loop()
        done: Future[T] = loop.create_future()

        self._start((function, arguments, done, loop), loop)
        try:
            return await done
        finally:
            del done  # which holds an error, and the error leads to this frame

    def is_full(self) -> bool:
        """Return whether WAITING calls are waiting. One who may still refuse a call should do so."""
        return self._calls.qsize() >= WAITING

    def _start(self, call: _Call, loop: AbstractEventLoop) -> None:
        self._calls.put(call)
        self._put += 1
        if self._threads < self._least:
            self._add()
        if not self._looks:
            self._looks = True
            self._remember()
            loop.call_later(LATE, self._look, loop)

    def _remember(self) -> None:
        self._put_before, self._taken_before = self._put, self._put - self._calls.qsize()

    def _look(self, loop: AbstractEventLoop) -> None:
        """Start threads for the calls that were waiting at the last look and still are."""
        taken = self._put - self._calls.qsize()
        late = self._put_before - taken
        if late > 0 and taken - self._taken_before < BUSY * self._threads:
            for _ in range(min(late, MOST - self._threads)):
                self._add()
        self._remember()
        self._looks = taken < self._put
        if self._looks:
            loop.call_later(LATE, self._look, loop)

    def _add(self) -> None:
        with self._lock:
            self._threads += 1
            number = self._threads
        try:
            threading.Thread(target=self._work, args=[number > self._least], name=self._name, daemon=True).start()
        except RuntimeError:  # the system has no more threads
            log.warning("no thread could be started: there are %d", number - 1)
            with self._lock:
                self._threads -= 1

    def _work(self, is_additional: bool) -> None:
        try:
            while True:
                function, arguments, done, loop = self._calls.get(timeout=IDLE if is_additional else None)
                try:
                    result = partial(_return, done, function(*arguments))
                except BaseException as error:
                    result = partial(_raise, done, error)
                with suppress(RuntimeError):  # the loop has ended
                    loop.call_soon_threadsafe(result)
                # An error leads to this frame, and so to itself. Garbage is collected rarely here.
                del function, arguments, done, loop, result
        except Empty:
            with self._lock:
                self._threads -= 1
        finally:
            connections.close_all()  # nobody else would close what belongs to this thread


_for_work = Pool("work", 4)


async def in_thread(function: Callable[..., T], *arguments: Any) -> T:
    """Return what the function returns in a thread that serves no request of Django. Raises Full."""
    if _for_work.is_full():
        raise Full
    return await _for_work.run(_and_close, function, *arguments)


def switch_often() -> None:
    """Let threads take turns every SWITCH seconds."""
    sys.setswitchinterval(SWITCH)


def _and_close(function: Callable[..., T], *arguments: Any) -> T:
    try:
        return function(*arguments)
    finally:
        close_old_connections()  # as Django does after a request


def _return(done: Future[T], value: T) -> None:
    if not done.done():
        done.set_result(value)


def _raise(done: Future[Any], error: BaseException) -> None:
    if not done.done():
        done.set_exception(error)
