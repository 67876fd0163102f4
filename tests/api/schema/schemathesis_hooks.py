"""What tests/api/schema/test_schemathesis.py tells schemathesis about the API beyond its schema."""

from __future__ import annotations

from typing import Any

import schemathesis

LISTS = frozenset({"field", "groupBy", "project", "projectID", "key_id", "category", "outcome", "reason"})


@schemathesis.hook
def filter_case(context: Any, case: schemathesis.Case[Any]) -> bool:
    """Leave out requests with a repeated parameter that is no list. They are allowed: the last value counts."""
    query = case.query or {}
    return not any(isinstance(value, list | tuple) and name not in LISTS for name, value in query.items())
