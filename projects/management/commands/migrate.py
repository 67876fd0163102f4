"""manage.py migrate: Django's own, one at a time."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from django.core.management.commands import migrate
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

LOCK = 0x73746174  # "stat": one number of PostgreSQL's advisory locks, which are a database's own
POLL = 0.1


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        with alone(connections[options["database"]], self._say_that_it_waits):
            super().handle(*args, **options)

    def _say_that_it_waits(self) -> None:
        self.stderr.write("Another migrate is under way; waiting for it.")


@contextmanager
def alone(database: BaseDatabaseWrapper, on_wait: Callable[[], object]) -> Iterator[None]:
    """Waits until no other process migrates this database. Each lock ends with the process that holds it."""
    if database.vendor == "postgresql":
        # A connection of its own: a lock is its session's, and Django may close the other one meanwhile.
        with _session(database) as ask, _held(lambda: ask(f"SELECT pg_try_advisory_lock({LOCK})"), on_wait):
            yield
    elif database.vendor == "sqlite" and not database.is_in_memory_db():  # type: ignore[attr-defined]
        file = Path(database.settings_dict["NAME"])
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # SQLite makes the file, but not its folder
        # Not the database itself, which SQLite locks in its own way.
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
    import psycopg2  # not for those whose database is SQLite

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
    # Asked again and again: no bound on how long a query waits ends it.
    if not take():
        on_wait()
        while not take():
            time.sleep(POLL)
    yield


def _flock(descriptor: int) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False
