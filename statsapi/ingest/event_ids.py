"""Event ids, as clients write them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from statsapi.http.errors import RequestError
from tsdb.outcomes import Category

_NO_ID = "0" * 32
_EVENT_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def read_event_id(source: Mapping[str, object]) -> str | None:
    """Return the `event_id` of an envelope header or of an event, as 32 lower-case hex digits, or None without one.

    It is sent as 32 hex digits, or as a UUID with its dashes. Raises RequestError 400 for anything else. The id of
    zeros is none: clients send it where they made no id, so two events with it are two.
    """
    value = source.get("event_id")
    if value is None:
        return None
    text = value.lower() if isinstance(value, str) else ""
    if not _EVENT_ID.fullmatch(text):
        cause = "expected 32 hexadecimal digits, with or without dashes"
        raise RequestError(400, "invalid event id", [cause], "invalid_event_id")
    digits = text.replace("-", "")
    return None if digits == _NO_ID else digits


def claim_of(event_id: str | None, category: Category) -> str | None:
    """Return the claim under which an event of that category is counted once, or None without an id.

    Each category has claims of its own: SDKs may give an error the id of the transaction in which it happened.
    """
    if event_id is None or category is Category.ERROR:
        return event_id
    return f"{category}:{event_id}"
