"""Connections that a thread of the server leaves when it ends (statsapi/start/threads.py)."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator

import pytest

from statsapi.start import threads
from tests.servers import wait_for

pytestmark = pytest.mark.once


class Connection:
    """A connection in a reference cycle, as Django's is. Only the garbage collector frees it."""

    def __init__(self) -> None:
        self.parts = [self]


@pytest.fixture
def _seldom() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_seldom")
def test_it_goes_soon_although_the_collector_comes_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "SECONDS", 0.01)
    left: list[weakref.ref[Connection]] = []
    thread = threading.Thread(target=lambda: left.append(weakref.ref(Connection())))
    thread.start()
    thread.join()
    assert left[0]() is not None
    ended = threading.Event()
    collecting = threading.Thread(target=threads.collect_until, args=[ended])
    collecting.start()
    wait_for(lambda: left[0]() is None, "the end of what was left")
    ended.set()
    collecting.join()
