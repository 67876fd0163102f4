"""Connections to PostgreSQL that wait a bounded time for an answer.

The server itself ends a query that takes longer (statement_timeout); who asks waits a little longer than that, for a
server that hangs, or a machine that is gone, ends nothing.
"""

from __future__ import annotations

import select
import time
from functools import cache
from typing import Any

import psycopg2
from psycopg2 import extensions

GRACE = 1.0
"""Seconds that the server has to say that it ended a query."""


class BoundedConnection(extensions.connection):  # type: ignore[misc]
    """Made by `bounded`, which gives it its patience: seconds for being made, and for each answer."""

    connecting: float
    answering: float


@cache
def bounded(seconds: float, connecting: float) -> type[BoundedConnection]:
    """For psycopg2.connect: connections whose every query ends within `seconds` and GRACE.

    To make one takes `connecting` seconds at most. libpq's own connect_timeout counts no more, for any connection.
    """
    extensions.set_wait_callback(_wait)
    return type("Bounded", (BoundedConnection,), {"connecting": connecting, "answering": seconds + GRACE})


def _wait(connection: Any) -> None:
    """What psycopg2 calls to wait for an answer on any connection. Raises psycopg2.OperationalError."""
    patience = _patience(connection)
    deadline = None if patience is None else time.monotonic() + patience
    while True:
        state = connection.poll()
        if state == extensions.POLL_OK:
            return
        # The socket may be another one after each step of connecting: a name can have several addresses.
        poller = select.poll()
        poller.register(connection.fileno(), select.POLLIN if state == extensions.POLL_READ else select.POLLOUT)
        left = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
        if not poller.poll(left):
            # psycopg2 closes the connection for that.
            raise psycopg2.OperationalError(f"PostgreSQL gave no answer within {patience} s")


def _patience(connection: Any) -> float | None:
    if not isinstance(connection, BoundedConnection):
        return None
    return connection.connecting if connection.status == extensions.STATUS_SETUP else connection.answering
