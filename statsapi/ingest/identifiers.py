"""What clients name: event ids and environments."""

from __future__ import annotations

import re
from collections.abc import Mapping

from statsapi.http.errors import RequestError

_EVENT_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

# Sentry allows an environment 64 characters, and neither line breaks nor slashes. Other control characters
# are refused as well: NUL cannot be stored in PostgreSQL, and none of them has a place in a log line.
_ENVIRONMENT = re.compile(r"[^/\x00-\x1f\x7f-\x9f\u2028\u2029]{1,64}")


def read_event_id(source: Mapping[str, object]) -> str | None:
    """The `event_id` of an envelope header or of an event, as 32 lower-case hex digits; None where there is
    none.

    Taken are 32 hex digits, or a UUID with its dashes. Anything else: 400.
    """
    value = source.get("event_id")
    if value is None:
        return None
    text = value.lower() if isinstance(value, str) else ""
    if not _EVENT_ID.fullmatch(text):
        cause = "expected 32 hexadecimal digits, with or without dashes"
        raise RequestError(400, "invalid event id", [cause], "invalid_event_id")
    return text.replace("-", "")


def read_environment(value: object) -> str | None:
    """An environment's name, blanks around it taken off; None where it is no name that can be counted under."""
    if not isinstance(value, str):
        return None
    name = value.strip()
    return name if _ENVIRONMENT.fullmatch(name) else None
