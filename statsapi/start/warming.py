"""What a worker makes before it serves.

Many requests may be waiting at a start, and hundreds of threads would make the same things at the same time. If a store
cannot be reached, the worker serves all the same. Then the first request that reaches the store makes its part
(projects/lazy.py).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Thread

from django.core.cache import caches
from django.db import connection, connections
from django.urls import get_resolver, reverse

from projects.connections import get_store
from statsapi.ingest.counting import intake
from tsdb.refusals import try_to_write

log = logging.getLogger(__name__)

PATIENCE = 3.0
"""Seconds that the start of a worker waits for a store that hangs."""


def warm_up() -> None:
    """Import all views and connect to the stores. Return soon after PATIENCE at the latest."""
    _code()
    deadline = time.monotonic() + PATIENCE
    parts = [Thread(target=_try, args=[part], daemon=True) for part in (_redis, _database)]
    for part in parts:
        part.start()
    for part in parts:
        part.join(max(0.0, deadline - time.monotonic()))


def _try(part: Callable[[], None]) -> None:
    try:
        part()
    except Exception as error:  # a request that needs the store will say so again
        log.warning("a worker begins to serve without all it needs: %s: %s", type(error).__name__, error)


def _code() -> None:
    """Import all views while there is one thread. Several would import the same modules at once."""
    get_resolver().resolve("/healthz")
    reverse("healthz")
    _ = connections["default"], caches["default"].client  # type: ignore[attr-defined]


def _redis() -> None:
    intake()
    try_to_write(get_store().clients.write)  # in a cluster this connects to each node


def _database() -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        connection.close()
