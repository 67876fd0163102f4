"""The body of POST …/outcomes/, read strictly: every fault in it has a message that says where it is."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any

from rest_framework.exceptions import ValidationError

from projects.environment_names import LONGEST_ENVIRONMENT, environment_name
from statsapi.api.json_body import parse_json
from tsdb.outcomes import CATEGORY_NAMES, LARGEST_QUANTITY, NO_REASON, Category, Outcome, known_reason
from tsdb.rollups import FUTURE_SECONDS

MAX_ROWS = 1000
MAX_IDEMPOTENCY_KEY = 255
MAX_REASON = 200
_FIELDS = {"outcome", "category", "reason", "quantity", "timestamp", "key", "environment"}


@dataclass(frozen=True)
class Row:
    """`timestamp` in whole seconds since the epoch; `key` is a public key as it was sent."""

    outcome: Outcome
    category: Category
    reason: str
    quantity: int
    timestamp: int
    key: str | None
    environment: str | None


class _Fault(Exception):
    pass


def parse_rows(body: bytes, *, now: float, retention: int) -> list[Row]:
    """At least one row, at most MAX_ROWS. Raises ParseError (no JSON) or ValidationError ({"outcomes": [messages]})."""
    content = parse_json(body)
    if not isinstance(content, dict) or not isinstance(content.get("outcomes"), list):
        raise _invalid(['This field is required: {"outcomes": [{"outcome": "accepted"}, …]}.'])
    items = content["outcomes"]
    if not 1 <= len(items) <= MAX_ROWS:
        raise _invalid([f"Send 1 to {MAX_ROWS} outcomes at a time, not {len(items)}."])
    rows, faults = [], []
    for place, item in enumerate(items):
        try:
            rows.append(_row(item, now, retention))
        except _Fault as fault:
            faults.append(f"[{place}]{fault}")
    if faults:
        raise _invalid(faults)
    return rows


def unknown_key(places: list[int]) -> ValidationError:
    return _invalid([f"[{place}].key: is not a public key of this project." for place in places])


def _invalid(messages: list[str]) -> ValidationError:
    return ValidationError({"outcomes": messages})


def _row(item: Any, now: float, retention: int) -> Row:
    if not isinstance(item, dict):
        raise _Fault(": must be an object.")
    strangers = sorted(item.keys() - _FIELDS)
    if strangers:
        raise _Fault(f".{strangers[0]}: is not a field; the fields are {', '.join(sorted(_FIELDS))}.")
    outcome = Outcome(_word(item, "outcome", None, [outcome.value for outcome in Outcome]))
    reason = known_reason(_text(item, "reason", MAX_REASON))
    return Row(
        outcome=outcome,
        category=CATEGORY_NAMES[_word(item, "category", Category.ERROR, list(CATEGORY_NAMES))],
        reason=NO_REASON if outcome is Outcome.ACCEPTED else reason,
        quantity=_quantity(item),
        timestamp=_timestamp(item, now, retention),
        key=_text(item, "key", 32),
        environment=_environment(item),
    )


def _word(item: dict[str, Any], field: str, default: str | None, allowed: list[str]) -> str:
    value = item.get(field)
    if value is None:
        value = default
    if value not in allowed:
        raise _Fault(f".{field}: must be one of {', '.join(allowed)}.")
    return str(value)


def _text(item: dict[str, Any], field: str, longest: int) -> str | None:
    value = item.get(field)
    if value is None:
        return None
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        raise _Fault(f".{field}: must be a text of 1 to {longest} characters, or null.")
    if any(unicodedata.category(character) == "Cc" for character in value):
        raise _Fault(f".{field}: must not contain control characters.")
    return value


def _environment(item: dict[str, Any]) -> str | None:
    text = _text(item, "environment", LONGEST_ENVIRONMENT)
    if text is None:
        return None
    name = environment_name(text)
    if name is None:
        allowed = (
            f"1 to {LONGEST_ENVIRONMENT} characters without slashes and line breaks, not blank and not the word none"
        )
        raise _Fault(f".environment: must be a name of {allowed}, or null.")
    return name


def _quantity(item: dict[str, Any]) -> int:
    value = item.get("quantity")
    if value is None:
        return 1
    if type(value) is not int or not 1 <= value <= LARGEST_QUANTITY:
        raise _Fault(f".quantity: must be an integer from 1 to {LARGEST_QUANTITY}.")
    return value


def _timestamp(item: dict[str, Any], now: float, retention: int) -> int:
    value = item.get("timestamp")
    if value is None:
        return int(now)
    if type(value) not in (int, float):
        raise _Fault(".timestamp: must be a number, seconds since the UNIX epoch.")
    if value > now + FUTURE_SECONDS:
        raise _Fault(f".timestamp: lies more than {FUTURE_SECONDS} seconds in the future; it is {int(now)} now.")
    if value < max(0, now - retention):
        raise _Fault(f".timestamp: is older than the longest retention, {retention} seconds.")
    return int(value)
