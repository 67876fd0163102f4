"""The body of POST …/outcomes/, read strictly. Every fault in it has a message that says where it is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rest_framework.exceptions import ValidationError

from projects.environment_names import ALLOWED_CHARACTERS, LONGEST_ENVIRONMENT, environment_name
from projects.models import HEX_PATTERN
from statsapi.api.json_body import parse_json
from statsapi.api.resources.fields import NO_CONTROLS
from statsapi.api.shapes import ecma
from tsdb.outcomes import CATEGORY_NAMES, LARGEST_QUANTITY, LONGEST_REASON, NO_REASON, Category, Outcome, reason_of
from tsdb.rollups import FUTURE_SECONDS

MAX_ROWS = 1000


@dataclass(frozen=True)
class Row:
    """A row of the body. `timestamp` is in whole seconds since the epoch; `key` is a public key as it was sent."""

    outcome: Outcome
    category: str
    reason: str
    quantity: int
    timestamp: int
    key: str | None
    environment: str | None


class _Fault(Exception):
    """A fault of a row; the message begins with the field, as `.quantity: …`."""


class _Word:
    """A field that is one of a few words. Null stands for the default, if there is one."""

    def __init__(self, name: str, words: Iterable[str], default: str | None = None) -> None:
        self.name, self._words, self._default = name, list(words), default
        self.schema: dict[str, Any] = {"type": "string", "enum": self._words}
        if default is not None:
            self.schema = {"enum": [*self._words, None], "default": default}

    def read(self, item: dict[str, Any]) -> str:
        """Return the word. Raises _Fault."""
        value = item.get(self.name)
        if value is None:
            value = self._default
        if value not in self._words:
            raise _Fault(f".{self.name}: must be one of {', '.join(self._words)}.")
        return str(value)


class _Text:
    """A field that is a text without control characters, or null. `more` is more of its JSON schema."""

    def __init__(self, name: str, longest: int, **more: str) -> None:
        self.name, self._longest = name, longest
        pattern = ecma(NO_CONTROLS)
        self.schema = {"type": ["string", "null"], "minLength": 1, "maxLength": longest, "pattern": pattern, **more}

    def read(self, item: dict[str, Any]) -> str | None:
        """Return the text. Raises _Fault."""
        value = item.get(self.name)
        if value is None:
            return None
        if not isinstance(value, str) or not 1 <= len(value) <= self._longest:
            raise _Fault(f".{self.name}: must be a text of 1 to {self._longest} characters, or null.")
        if not re.match(NO_CONTROLS, value):
            raise _Fault(f".{self.name}: must not contain control characters.")
        return value


class _Environment(_Text):
    """The name of an environment, or null."""

    def read(self, item: dict[str, Any]) -> str | None:
        """Return the name. Raises _Fault."""
        text = super().read(item)
        if text is None:
            return None
        name = environment_name(text)
        if name is None:
            raise _Fault(
                f".{self.name}: must be a name of 1 to {LONGEST_ENVIRONMENT} characters without slashes "
                "and line breaks, not blank and not the word none, or null."
            )
        return name


class _Quantity:
    """How many events the row stands for. Null stands for 1."""

    name, maximum = "quantity", LARGEST_QUANTITY
    schema = {"type": ["integer", "null"], "minimum": 1, "maximum": maximum, "default": 1}

    def read(self, item: dict[str, Any]) -> int:
        """Return the quantity. Raises _Fault."""
        value = item.get(self.name)
        if value is None:
            return 1
        if type(value) is not int or not 1 <= value <= self.maximum:
            raise _Fault(f".{self.name}: must be an integer from 1 to {self.maximum}.")
        return value


class _Timestamp:
    """When the events happened, seconds since the epoch. Null stands for now."""

    name = "timestamp"
    schema = {"type": ["number", "null"], "description": "Seconds since the epoch. Default: now."}

    def read(self, item: dict[str, Any], now: float, retention: int) -> int:
        """Return whole seconds. Raises _Fault."""
        value = item.get(self.name)
        if value is None:
            return int(now)
        if type(value) not in (int, float):
            raise _Fault(f".{self.name}: must be a number, seconds since the UNIX epoch.")
        if value > now + FUTURE_SECONDS:
            raise _Fault(f".{self.name}: lies more than {FUTURE_SECONDS} seconds in the future; it is {int(now)} now.")
        if value < max(0, now - retention):
            raise _Fault(f".{self.name}: is older than the longest retention, {retention} seconds.")
        return int(value)


_OUTCOME = _Word("outcome", [outcome.value for outcome in Outcome])
_CATEGORY = _Word("category", CATEGORY_NAMES, default=Category.ERROR.value)
_REASON = _Text("reason", LONGEST_REASON, description="Beyond 200 bytes of UTF-8 it is counted as `other`.")
_QUANTITY = _Quantity()
_TIMESTAMP = _Timestamp()
# A key of another form is refused as one that the project does not have.
_KEY = _Text("key", 32, pattern=ecma(HEX_PATTERN), description="A public key of the project.")
_ENVIRONMENT = _Environment(
    "environment",
    LONGEST_ENVIRONMENT,
    pattern=f"^{ALLOWED_CHARACTERS}*$",
    description="The name of an environment, which is not blank or the word `none`.",
)
_FIELDS = {
    field.name: field.schema for field in (_OUTCOME, _CATEGORY, _REASON, _QUANTITY, _TIMESTAMP, _KEY, _ENVIRONMENT)
}

ROW = {"type": "object", "additionalProperties": False, "required": [_OUTCOME.name], "properties": _FIELDS}
BODY = {
    "type": "object",
    "required": ["outcomes"],
    "properties": {"outcomes": {"type": "array", "minItems": 1, "maxItems": MAX_ROWS, "items": ROW}},
}
"""The body's JSON schema."""


def parse_rows(body: bytes, *, now: float, retention: int) -> list[Row]:
    """Return the rows, at least one and at most MAX_ROWS.

    `now` is in seconds since the epoch, `retention` in seconds. Raises ParseError if the body is not JSON, and
    ValidationError ({"outcomes": [messages]}) if it has faults.
    """
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
    """Return the error for rows, by their places, that name a key which is not the project's."""
    return _invalid([f"[{place}].key: is not a public key of this project." for place in places])


def _invalid(messages: list[str]) -> ValidationError:
    return ValidationError({"outcomes": messages})


def _row(item: Any, now: float, retention: int) -> Row:
    if not isinstance(item, dict):
        raise _Fault(": must be an object.")
    strangers = sorted(item.keys() - _FIELDS.keys())
    if strangers:
        raise _Fault(f".{strangers[0]}: is not a field; the fields are {', '.join(sorted(_FIELDS))}.")
    outcome = Outcome(_OUTCOME.read(item))
    reason = reason_of(_REASON.read(item))
    return Row(
        outcome=outcome,
        category=CATEGORY_NAMES[_CATEGORY.read(item)],
        reason=NO_REASON if outcome is Outcome.ACCEPTED else reason,
        quantity=_QUANTITY.read(item),
        timestamp=_TIMESTAMP.read(item, now, retention),
        key=_KEY.read(item),
        environment=_ENVIRONMENT.read(item),
    )
