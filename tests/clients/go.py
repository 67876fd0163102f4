"""Decoders that read JSON as Go's encoding/json reads it into a struct.

A missing field is left out, and a value of another type is an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

Decoder = Callable[[Any], Any]

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def text(value: Any) -> str:
    assert isinstance(value, str), value
    return value


def boolean(value: Any) -> bool:
    assert isinstance(value, bool), value
    return value


def int64(value: Any) -> int:
    assert type(value) is int, value
    assert -(2**63) <= value < 2**63, value
    return value


def time(value: Any) -> datetime:
    assert isinstance(value, str), value
    assert _RFC_3339.fullmatch(value), value
    return datetime.fromisoformat(value)


def anything(value: Any) -> Any:
    return value


def list_of(decoder: Decoder) -> Decoder:
    def decode(value: Any) -> list[Any]:
        assert isinstance(value, list), value
        return [decoder(one) for one in value]

    return decode


def map_of(decoder: Decoder) -> Decoder:
    def decode(value: Any) -> dict[str, Any]:
        assert isinstance(value, dict), value
        return {name: decoder(one) for name, one in value.items()}

    return decode


def struct(**fields: Decoder) -> Decoder:
    """Return a decoder of an object with these fields, which ignores other fields and nulls."""

    def decode(value: Any) -> dict[str, Any]:
        assert isinstance(value, dict), value
        return {name: fields[name](one) for name, one in value.items() if name in fields and one is not None}

    return decode
