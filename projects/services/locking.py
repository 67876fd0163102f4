"""Locks on rows of the database, with a bound on waiting.

A project's row is locked so that the keys and filters that a worker reads fit the version under which it knows the
project.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction

from projects.models import Project

PATIENCE = 2.0
"""Seconds that a request waits for the row of a project."""

PAUSE = 0.05
"""Seconds between two tries."""


class RowLocked(OperationalError):
    """Raised if another transaction holds the project's row for longer than a request waits."""


@contextmanager
def locked_project(project: int) -> Iterator[Project]:
    """Open a transaction that holds the lock on the project's row, and yield the project.

    Raises Project.DoesNotExist, and RowLocked after PATIENCE seconds. It waits without a connection to the database.
    There are only few of these, and one row that is locked for long would take them all from other projects.
    """
    rows = Project.objects.order_by()
    deadline = time.monotonic() + PATIENCE
    while True:
        waits = connection.in_atomic_block  # inside a transaction the connection cannot be given back
        with transaction.atomic():
            row = rows.select_for_update(skip_locked=not waits).filter(pk=project).first()
            if row is not None:
                yield row
                return
        if waits or not rows.filter(pk=project).exists():
            raise Project.DoesNotExist
        if time.monotonic() > deadline:
            raise RowLocked(f"the row of project {project} is locked")
        connection.close()
        time.sleep(PAUSE)


@contextmanager
def without_waiting() -> Iterator[None]:
    """Open a transaction that does not wait for locks. Raises OperationalError if it would have to."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA busy_timeout = 0")
            try:
                with transaction.atomic():
                    yield
            finally:
                cursor.execute(f"PRAGMA busy_timeout = {round(1000 * connection.settings_dict['OPTIONS']['timeout'])}")
        else:
            with transaction.atomic():
                cursor.execute("SET LOCAL lock_timeout = 1")
                yield
