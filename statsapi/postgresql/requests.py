"""What requests do with their connection to the database, so that few connections serve many threads."""

from __future__ import annotations

from django.conf import settings
from django.db import connection, connections


def bound_queries() -> None:
    """Let no query of this process wait longer than DATABASE_TIMEOUT. Commands do not call this, and may wait."""
    connections.settings["default"]["OPTIONS"]["timeout"] = settings.DATABASE_TIMEOUT


def release_connection() -> None:
    """Give the connection to PostgreSQL back before something that may take minutes, such as reading a body."""
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        connection.close()
