"""What may stand in a field of a body: the JSON types that the schema names, and nothing else that could be read so."""

from __future__ import annotations

import re
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

NO_CONTROLS = r"^[^\x00-\x1f\x7f-\x9f]*\Z"
"""Any text without control characters, which would break a line in a log or a table."""

PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*\Z"
"""The same, and not blank."""


class Text(serializers.CharField):
    """A text of that pattern, as it was sent."""

    def __init__(self, pattern: str, message: str, *, trim_whitespace: bool = False, **options: Any) -> None:
        super().__init__(trim_whitespace=trim_whitespace, **options)
        self.pattern, self._message = pattern, message

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("Must be a text.")
        if not re.search(self.pattern, data):
            raise serializers.ValidationError(self._message)
        return str(super().to_internal_value(data))


class Name(Text):
    """What people call something; blanks around it are cut off."""

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
    """An integer, which JSON may write as 5.0 too."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, float) and data.is_integer():
            data = int(data)
        if type(data) is not int:
            raise serializers.ValidationError("Must be an integer.")
        return int(super().to_internal_value(data))


class Flag(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError("Must be true or false.")
        return data
