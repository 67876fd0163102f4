"""Many clients at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def at_once(clients: int, what: Callable[[int], T]) -> list[T]:
    """What each of the clients, numbered from 0, got; all begin in the same moment."""
    gate = threading.Barrier(clients)

    def client(number: int) -> T:
        gate.wait()
        return what(number)

    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(client, range(clients)))
