"""Django's PostgreSQL backend, with bounds on the connections of a process and on waiting for an answer.

Django keeps one connection for each thread. A server that takes slow clients has hundreds of threads, and PostgreSQL
takes a hundred connections in all by default. With this backend a request borrows one of a few connections, and gives
it back when Django closes it at the end of the request (CONN_MAX_AGE must be 0). Django's own pool needs psycopg 3.
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
"""Seconds that a request waits for a connection while all are borrowed."""


class Pool:
    """At most `size` connections. They are made when needed and kept, and the last one used is lent first."""

    def __init__(self, size: int) -> None:
        self._places = BoundedSemaphore(size)
        self._free: deque[Any] = deque()

    def borrow(self, connect: Callable[[], Any]) -> Any:
        """Return a connection that works. Raises psycopg2.OperationalError if all are in use, or none can be made."""
        if not self._places.acquire(timeout=PATIENCE):
            raise psycopg2.OperationalError("all connections of this process are in use")
        try:
            with suppress(IndexError):
                connection = self._free.pop()
                if _lives(connection):
                    return connection
                self.close_free()  # all others have most likely ended too, and asking each takes time
            return connect()
        except BaseException:
            self._places.release()
            raise

    def give_back(self, connection: Any) -> None:
        """Keep the connection for the next request, or close it if it is in a transaction or lost."""
        try:
            idle = not connection.closed and connection.info.transaction_status == TRANSACTION_STATUS_IDLE
            if idle and connection.autocommit:
                self._free.append(connection)
            else:
                connection.close()  # it is in the middle of something, or lost
        finally:
            self._places.release()

    def close_free(self) -> None:
        """Close the connections that nobody uses."""
        with suppress(IndexError):
            while True:
                self._free.pop().close()


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's backend with two more OPTIONS.

    `connections` is the size of the pool, which all threads share. `timeout` is the seconds that a query may take;
    without it a query takes as long as it needs.
    """

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
                connection.autocommit = True  # a rolled-back transaction would undo the setting
                with connection.cursor() as cursor:
                    cursor.execute("SET statement_timeout = %s", [round(timeout * 1000)])
            return connection

        # The pool is kept here, because after a fork or with another NAME _pool is another one.
        self._lender = self._pool
        return self._lender.borrow(connect)

    def _close(self) -> None:
        lent, self.connection = self.connection, None
        if lent is not None:
            self._lender.give_back(lent)

    def close_pool(self) -> None:
        """Close the free connections.

        Django calls this before it drops a database, and when tests change the time zone.
        """
        self._pool.close_free()

    def __del__(self) -> None:
        """Give the connection back when the thread has ended. It would otherwise be lent for ever."""
        self._close()


# A child process must not use the connections of its parent.
os.register_at_fork(after_in_child=DatabaseWrapper._pools.clear)


def _lives(connection: Any) -> bool:
    """Return whether the connection works, and close it if not."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except psycopg2.Error:
        connection.close()
        return False
    return True
