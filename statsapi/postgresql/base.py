"""Django's PostgreSQL backend, with a bound on how many connections a process has and how long it waits for an answer.

Django keeps one connection a thread, and a server that takes slow clients has hundreds of threads: more than PostgreSQL
takes connections in all, a hundred by default. Here a request borrows one of a few, and gives it back when Django
closes it, at the end of the request (CONN_MAX_AGE must be 0). Django has a pool of its own, for psycopg 3 alone.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from threading import BoundedSemaphore
from typing import Any

import psycopg2
from django.db.backends.postgresql import base
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from statsapi.postgresql.waiting import bounded

PATIENCE = 2.0
"""Seconds that a request waits for a connection while all are lent."""


class Pool:
    """At most `size` connections, made when they are needed and kept from then on; the last used is lent first."""

    def __init__(self, size: int) -> None:
        self._places = BoundedSemaphore(size)
        self._free: deque[Any] = deque()

    def borrow(self, connect: Callable[[], Any]) -> Any:
        """A connection that lives. Raises psycopg2.OperationalError."""
        if not self._places.acquire(timeout=PATIENCE):
            raise psycopg2.OperationalError("all connections of this process are in use")
        try:
            with suppress(IndexError):
                connection = self._free.pop()
                if _lives(connection):
                    return connection
                self.close_free()  # what ended that one has most likely ended them all, and asking each takes time
            return connect()
        except BaseException:
            self._places.release()
            raise

    def give_back(self, connection: Any) -> None:
        try:
            idle = not connection.closed and connection.info.transaction_status == TRANSACTION_STATUS_IDLE
            if idle and connection.autocommit:
                self._free.append(connection)
            else:
                connection.close()  # in the middle of something, or lost
        finally:
            self._places.release()

    def close_free(self) -> None:
        with suppress(IndexError):
            while True:
                self._free.pop().close()


class DatabaseWrapper(base.DatabaseWrapper):
    """Its OPTIONS have two more: `connections`, the size of the pool, which is one for all threads, and `timeout`, the
    seconds that a query may take; without it, as long as it needs."""

    _pools: dict[tuple[str, str | None], Pool] = {}

    @property
    def _pool(self) -> Pool:
        place = self.alias, self.settings_dict["NAME"]
        size = self.settings_dict["OPTIONS"]["connections"]
        return self._pools.get(place) or self._pools.setdefault(place, Pool(size))

    def get_connection_params(self) -> dict[str, Any]:
        parameters: dict[str, Any] = super().get_connection_params()
        del parameters["connections"]
        if "timeout" in parameters:
            parameters["connection_factory"] = bounded(parameters.pop("timeout"), float(parameters["connect_timeout"]))
        return parameters

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        make = super().get_new_connection
        timeout = self.settings_dict["OPTIONS"].get("timeout")

        def connect() -> Any:
            connection = make(conn_params)
            if timeout is not None:
                connection.autocommit = True  # a setting that is made in a transaction goes with it
                with connection.cursor() as cursor:
                    cursor.execute("SET statement_timeout = %s", [round(timeout * 1000)])
            return connection

        # Remembered, because after a fork or with another NAME the pool is another.
        self._lender = self._pool
        return self._lender.borrow(connect)

    def _close(self) -> None:
        lent, self.connection = self.connection, None
        if lent is not None:
            self._lender.give_back(lent)

    def close_pool(self) -> None:
        """Django calls this before it drops a database, and when the time zone of the tests changes."""
        self._pool.close_free()

    def __del__(self) -> None:
        """Its thread has ended: what it did not close would be lent for ever."""
        self._close()


# A child must not speak on its parent's connections.
os.register_at_fork(after_in_child=DatabaseWrapper._pools.clear)


def _lives(connection: Any) -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except psycopg2.Error:
        connection.close()
        return False
    return True
