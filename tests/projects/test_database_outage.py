"""Outages of the database are told from faults of the program, for which trying again is useless."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from projects.database_outage import READ_ONLY, database_outage


def failure(sql: str, before: str = "SELECT 1") -> DatabaseError:
    """Return the error that the database raises for `sql` in a transaction that begins with `before`."""
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute(before)
        with pytest.raises(DatabaseError) as failed:
            cursor.execute(sql)
        transaction.set_rollback(True)
    return failed.value


@pytest.mark.django_db
@pytest.mark.parametrize("sql", ["SELECT 1 FROM nowhere", "SELECT nothing FROM projects_project", "SELECT ("])
def test_a_statement_that_is_wrong_is_no_outage(sql: str) -> None:
    assert database_outage(failure(sql)) is None


@pytest.mark.django_db(transaction=True)
def test_a_database_that_takes_no_changes_is_one() -> None:
    change = "DELETE FROM projects_project"
    if connection.vendor == "sqlite":
        try:
            assert database_outage(failure(change, "PRAGMA query_only = 1")) == READ_ONLY
        finally:
            connection.cursor().execute("PRAGMA query_only = 0")
    else:
        assert database_outage(failure(change, "SET TRANSACTION READ ONLY")) == READ_ONLY
