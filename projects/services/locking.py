"""Holding a project's row, so that what is read of a project fits the version under which it is known."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction

from projects.models import Project

PATIENCE = 2.0
"""Seconds that a request waits for the row of a project."""

PAUSE = 0.05
"""Seconds until it looks again."""


class RowLocked(OperationalError):
    """Another one holds the row of the project, and for longer than a request waits."""


@contextmanager
def held(project: int) -> Iterator[Project]:
    """A transaction that holds the project's row. Raises Project.DoesNotExist, RowLocked.

    It waits without a connection to the database: of these there are few, and a row that is locked for long would
    keep them all from requests of other projects.
    """
    rows = Project.objects.order_by()
    deadline = time.monotonic() + PATIENCE
    while True:
        waits = connection.in_atomic_block  # then its connection cannot be given back
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
def at_once() -> Iterator[None]:
    """A transaction that waits for nobody: OperationalError, where another one holds what it wants to change."""
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
