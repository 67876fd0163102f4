"""A crowd of clients that act at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def at_once(clients: int, what: Callable[[int], T]) -> list[T]:
    """Call `what(number)` for each client, numbered from 0, at the same moment, and return the results in order."""
    gate = threading.Barrier(clients)

    def client(number: int) -> T:
        gate.wait()
        return what(number)

    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(client, range(clients)))
