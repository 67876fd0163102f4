"""A database that cannot do its work right now: the one place that knows the ways in which it says so.

A standby after a failover, a lock that is held too long, a server that ends, a full disk: none of them is a fault of
the request or of this program. It is answered 503, and a command says it in one line.
"""

from __future__ import annotations

import sqlite3

from django.db import DatabaseError, InterfaceError, OperationalError

READ_ONLY = "The database takes no changes right now."
AWAY = "The database cannot be reached right now."

# Django's classes follow psycopg2's, which puts these among faults of its own.
_STATES = ("08", "25006", "25P03", "40", "53", "54", "55006", "55P03", "57", "58", "F0", "XX")
"""What a SQLSTATE begins with that says so: connection, read-only, conflict, resources, limits, in use, locked,
operator (cancelled, shut down), system, configuration, internal."""

_FULL_OR_READ_ONLY = ("SQLITE_READONLY", "SQLITE_FULL")


def database_outage(error: BaseException) -> str | None:
    """Return what is wrong with the database, in a sentence, or None if the error has another cause."""
    if not isinstance(error, DatabaseError | InterfaceError):
        return None
    cause = error.__cause__
    state = getattr(cause, "pgcode", None) or ""
    name = getattr(cause, "sqlite_errorname", "") if isinstance(cause, sqlite3.Error) else ""
    if name == "SQLITE_ERROR":
        return None  # the statement itself is wrong, as one that names no table; SQLite has no other word for it
    if state in ("25006", "53100") or name.startswith(_FULL_OR_READ_ONLY):
        return READ_ONLY
    if isinstance(error, OperationalError | InterfaceError) or state.startswith(_STATES):
        return AWAY
    return None
