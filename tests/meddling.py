"""A change at the one dangerous moment: after a reader has read a row, and before it uses what it read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


@contextmanager
def after_reading(table: str, change: Callable[[], object]) -> Iterator[None]:
    """Make the whole change between the first read of the table and the use of what was read."""
    left = [change]

    def meddle(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        result = execute(sql, parameters, many, context)
        if left and sql.startswith("SELECT") and f'FROM "{table}"' in sql:
            left.pop()()
        return result

    with connection.execute_wrapper(meddle):
        yield
    assert not left, "nothing was read"
