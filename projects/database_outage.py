"""How to tell an outage of the database from other errors.

Examples of an outage are a standby after a failover, a lock that is held too long, a server that shuts down, and a full
disk. None of them is a fault of the request or of this program. Requests are answered 503, and commands say it in one
line.
"""

from __future__ import annotations

import sqlite3

from django.db import DatabaseError, InterfaceError, OperationalError

READ_ONLY = "The database takes no changes right now."
AWAY = "The database cannot be reached right now."

# The class of Django's error is not enough: psycopg2 raises some of these as errors of other kinds.
_STATES = ("08", "25006", "25P03", "40", "53", "54", "55006", "55P03", "57", "58", "F0", "XX")
"""Beginnings of the SQLSTATE codes of an outage, in this order: connection, read-only transaction, idle transaction,
conflict, resources, limits, object in use, lock not available, operator intervention (cancelled, shut down), system,
configuration, internal."""

_FULL_OR_READ_ONLY = ("SQLITE_READONLY", "SQLITE_FULL")


def database_outage(error: BaseException) -> str | None:
    """Return what is wrong with the database, READ_ONLY or AWAY, or None if the error is not an outage."""
    if not isinstance(error, DatabaseError | InterfaceError):
        return None
    cause = error.__cause__
    state = getattr(cause, "pgcode", None) or ""
    name = getattr(cause, "sqlite_errorname", "") if isinstance(cause, sqlite3.Error) else ""
    if name == "SQLITE_ERROR":
        return None  # a wrong statement, such as one with an unknown table: SQLite has no other code for it
    if state in ("25006", "53100") or name.startswith(_FULL_OR_READ_ONLY):
        return READ_ONLY
    if isinstance(error, OperationalError | InterfaceError) or state.startswith(_STATES):
        return AWAY
    return None
