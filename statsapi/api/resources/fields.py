"""Fields of bodies. They take the JSON types that the schema names, and nothing that could be converted to them."""

from __future__ import annotations

import re
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from projects.durations import parse_window
from tsdb.budgets import LONGEST_WINDOW, MONTH, SHORTEST_WINDOW

NO_CONTROLS = r"^[^\x00-\x1f\x7f-\x9f]*\Z"
"""A pattern of texts without control characters, which would break a line in a log or a table."""

PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*\Z"
"""A pattern of texts without control characters that are not blank."""


class Text(serializers.CharField):
    """A text that the pattern matches, kept as it was sent. `message` is the error if it does not match."""

    def __init__(self, pattern: str, message: str, *, trim_whitespace: bool = False, **options: Any) -> None:
        super().__init__(trim_whitespace=trim_whitespace, **options)
        self.pattern, self._message = pattern, message

    def to_internal_value(self, data: Any) -> str:
        """Return the value. Raises ValidationError."""
        if not isinstance(data, str):
            raise serializers.ValidationError("Must be a text.")
        if not re.search(self.pattern, data):
            raise serializers.ValidationError(self._message)
        return str(super().to_internal_value(data))


class Name(Text):
    """A name that people give. Blanks around it are removed."""

    def __init__(self, longest: int, **options: Any) -> None:
        message = "Use text without control characters."
        super().__init__(PRINTABLE, message, max_length=longest, trim_whitespace=True, **options)


@extend_schema_field(OpenApiTypes.STR)
class Reference(serializers.Field[str, Any, str, Any]):
    """A slug or an id, as it was sent. `message` is the error if there is no text."""

    def __init__(self, message: str, **options: Any) -> None:
        super().__init__(error_messages=dict.fromkeys(("required", "null", "invalid"), message), **options)

    def to_internal_value(self, data: Any) -> str:
        """Return the text. Raises ValidationError."""
        if not isinstance(data, str):
            self.fail("invalid")
        return str(data)


class Whole(serializers.IntegerField):
    """An integer, which may be written as 5.0."""

    def to_internal_value(self, data: Any) -> int:
        """Return the value. Raises ValidationError."""
        if isinstance(data, float) and data.is_integer():
            data = int(data)
        if type(data) is not int:
            raise serializers.ValidationError("Must be an integer.")
        return int(super().to_internal_value(data))


class WholeOrNone(Whole):
    """An integer, or None, for which forms send an empty text."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_null=True, **options)

    def run_validation(self, data: Any = serializers.empty) -> int | None:
        """Return the value. Raises ValidationError."""
        value: int | None = super().run_validation(None if data == "" else data)
        return value


@extend_schema_field(
    {
        "oneOf": [
            {"type": "integer", "minimum": SHORTEST_WINDOW, "maximum": LONGEST_WINDOW},
            {"type": "string", "pattern": "^(month|[0-9]{1,9}[smhd])$"},
        ]
    }
)
class Window(serializers.Field[int, Any, int, Any]):
    """The window of a budget in seconds, or MONTH. It is sent as a number of seconds, as `5m`, or as `month`."""

    def to_internal_value(self, data: Any) -> int:
        """Return the value. Raises ValidationError."""
        if isinstance(data, float) and data.is_integer():
            data = int(data)
        if isinstance(data, str):
            try:
                seconds = parse_window(data)
            except ValueError:
                raise serializers.ValidationError("Use seconds, or 5m, 1h, 7d or month.") from None
            if seconds == MONTH:
                return MONTH
        elif type(data) is int:
            seconds = data
        else:
            raise serializers.ValidationError("Use seconds, or 5m, 1h, 7d or month.")
        if not SHORTEST_WINDOW <= seconds <= LONGEST_WINDOW:
            raise serializers.ValidationError(f"A window has {SHORTEST_WINDOW} to {LONGEST_WINDOW} seconds.")
        return seconds


class Flag(serializers.BooleanField):
    """True or false."""

    def to_internal_value(self, data: Any) -> bool:
        """Return the value. Raises ValidationError."""
        if not isinstance(data, bool):
            raise serializers.ValidationError("Must be true or false.")
        return data
