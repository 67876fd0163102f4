"""What may stand in a field of a body: the JSON types that the schema names, and nothing else that could be read so."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f]*\S[^\x00-\x1f\x7f-\x9f]*\Z"
"""Not blank, and no control characters, which would break a line in a log or a table."""


class Text(serializers.RegexField):
    """A text of that pattern."""

    def __init__(self, pattern: str, message: str, **options: Any) -> None:
        options.setdefault("trim_whitespace", False)
        super().__init__(pattern, error_messages={"invalid": message}, **options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("Must be a text.")
        return str(super().to_internal_value(data))


class Name(Text):
    """What people call something; blanks around it are cut off."""

    def __init__(self, longest: int, **options: Any) -> None:
        message = "Use text without control characters."
        super().__init__(PRINTABLE, message, max_length=longest, trim_whitespace=True, **options)


class Whole(serializers.IntegerField):
    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            raise serializers.ValidationError("Must be an integer.")
        return int(super().to_internal_value(data))


class Flag(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError("Must be true or false.")
        return data
