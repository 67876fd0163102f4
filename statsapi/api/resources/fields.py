"""What may stand in a field of a body: the JSON types that the schema names, and nothing else that could be read so."""

from __future__ import annotations

import re
from typing import Any

from rest_framework import serializers

PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*\Z"
"""Not blank, and no control characters, which would break a line in a log or a table."""


class Text(serializers.CharField):
    """A text of that pattern, as it was sent."""

    def __init__(self, pattern: str, message: str, *, trim_whitespace: bool = False, **options: Any) -> None:
        super().__init__(trim_whitespace=trim_whitespace, **options)
        self._pattern, self._message = re.compile(pattern), message

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("Must be a text.")
        if not self._pattern.search(data):
            raise serializers.ValidationError(self._message)
        return str(super().to_internal_value(data))


class Name(Text):
    """What people call something; blanks around it are cut off."""

    def __init__(self, longest: int, **options: Any) -> None:
        message = "Use text without control characters."
        super().__init__(PRINTABLE, message, max_length=longest, trim_whitespace=True, **options)


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
