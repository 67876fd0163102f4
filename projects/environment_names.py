"""The names that an environment can have. Every part that takes a name from outside asks here."""

from __future__ import annotations

import re

LONGEST_ENVIRONMENT = 64

# Sentry allows no line breaks, no tabs and no slashes. Other control characters are refused as well: NUL cannot be
# stored in PostgreSQL, and none of them has a place in a log line.
ALLOWED_CHARACTERS = r"[^/\x00-\x1f\x7f-\x9f\u2028\u2029]"
_NAME = re.compile(f"{ALLOWED_CHARACTERS}{{1,{LONGEST_ENVIRONMENT}}}")


def environment_name(value: object) -> str | None:
    """Return the environment's name without surrounding blanks, or None if the value is no valid name.

    A valid name is a text of 1 to 64 allowed characters. It is not the word none in any case, which Sentry reserves for
    events without an environment.
    """
    if not isinstance(value, str):
        return None
    name = value.strip()
    return name if _NAME.fullmatch(name) and name.lower() != "none" else None
