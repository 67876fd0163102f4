"""Connections to PostgreSQL that wait a bounded time for an answer.

The server itself ends a query that takes too long (statement_timeout). The client waits a little longer than that. It
needs a bound of its own, because a server that hangs or is gone ends nothing.
"""

from __future__ import annotations

import select
import time
from functools import cache
from typing import Any

import psycopg2
from psycopg2 import extensions

GRACE = 1.0
"""Seconds that the server has to report that it ended a query."""


class BoundedConnection(extensions.connection):  # type: ignore[misc]
    """A connection with time-outs, made by `bounded`: seconds for connecting, and for each answer."""

    connecting: float
    answering: float


@cache
def bounded(seconds: float, connecting: float) -> type[BoundedConnection]:
    """Return a connection_factory for psycopg2.connect. Each query ends within `seconds` plus GRACE.

    Connecting takes at most `connecting` seconds. From the first call on, libpq's own connect_timeout has no effect on
    any connection of the process.
    """
    extensions.set_wait_callback(_wait)
    return type("Bounded", (BoundedConnection,), {"connecting": connecting, "answering": seconds + GRACE})


def _wait(connection: Any) -> None:
    """Wait for an answer; psycopg2 calls this for every connection. Raises psycopg2.OperationalError."""
    patience = _patience(connection)
    deadline = None if patience is None else time.monotonic() + patience
    while True:
        state = connection.poll()
        if state == extensions.POLL_OK:
            return
        # While connecting, each step may use another socket, because a name can have several addresses.
        poller = select.poll()
        poller.register(connection.fileno(), select.POLLIN if state == extensions.POLL_READ else select.POLLOUT)
        left = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
        if not poller.poll(left):
            # psycopg2 closes the connection after this exception.
            raise psycopg2.OperationalError(f"PostgreSQL gave no answer within {patience} s")


def _patience(connection: Any) -> float | None:
    """Return the seconds to wait, or None for a connection without a bound."""
    if not isinstance(connection, BoundedConnection):
        return None
    return connection.connecting if connection.status == extensions.STATUS_SETUP else connection.answering
