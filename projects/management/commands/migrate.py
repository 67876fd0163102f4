"""manage.py migrate: Django's own command, but only one process at a time migrates a database.

Another process that runs it meanwhile says so on stderr and waits without a limit. Arguments, output, status and errors
are Django's.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.commands import migrate
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

LOCK = 0x73746174  # "stat": the number of PostgreSQL's advisory lock; each database has its own locks
POLL = 0.1
"""Seconds between two tries to get the lock."""


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        with alone(connections[options["database"]], self._report_waiting):
            super().handle(*args, **options)

    def _report_waiting(self) -> None:
        self.stderr.write("Another migrate is under way; waiting for it.")


@contextmanager
def alone(database: BaseDatabaseWrapper, on_wait: Callable[[], object]) -> Iterator[None]:
    """Hold the lock of a database's migration, and wait for it if another process holds it.

    PostgreSQL has an advisory lock, and SQLite an flock on a file beside the database's. Both end with the process that
    holds them. A database in memory belongs to one process and needs none. `on_wait` is called once if there is a wait.
    """
    if database.vendor == "postgresql":
        # A separate connection, because the lock belongs to a session, and Django may close its own meanwhile.
        with _session(database) as ask, _held(lambda: ask(f"SELECT pg_try_advisory_lock({LOCK})"), on_wait):
            yield
    elif database.vendor == "sqlite" and not database.is_in_memory_db():  # type: ignore[attr-defined]
        file = Path(database.settings_dict["NAME"])
        if file.parent == settings.VAR_DIR:  # another folder may be a mistyped one
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # SQLite creates the file, but not its folder
        # Not the database's own file, which SQLite locks in its own way.
        descriptor = os.open(f"{file}-migrate", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            with _held(lambda: _flock(descriptor), on_wait):
                yield
        finally:
            os.close(descriptor)
    else:
        yield


@contextmanager
def _session(database: BaseDatabaseWrapper) -> Iterator[Callable[[str], bool]]:
    """Open a connection to PostgreSQL, and yield a function that asks it a question with a yes or no answer."""
    import psycopg2  # here, because with SQLite it is not needed

    with database.wrap_database_errors:
        connection = psycopg2.connect(**database.get_connection_params())
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:

            def ask(question: str) -> bool:
                cursor.execute(question)
                return bool(cursor.fetchone()[0])

            yield ask
    finally:
        connection.close()


@contextmanager
def _held(take: Callable[[], bool], on_wait: Callable[[], object]) -> Iterator[None]:
    """Call `take` until it returns True."""
    # Polling, because a query that waited for the lock would be ended by a bound on the time of a query.
    if not take():
        on_wait()
        while not take():
            time.sleep(POLL)
    yield


def _flock(descriptor: int) -> bool:
    """Try to lock the file, and return whether that succeeded."""
    with suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False
