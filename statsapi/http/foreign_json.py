"""Reading JSON that clients sent. All of intake parses it here, so that one place knows how it can fail."""

from __future__ import annotations

import json
from collections.abc import Mapping

import orjson

LARGEST_OF_PYTHON = 256 * 1024
"""Reading so much with NaN in it takes about as long as four times as much without."""

Buffer = bytes | bytearray | memoryview


def parse_json(data: Buffer) -> object:
    """Return the value of a JSON text.

    Raises ValueError if the syntax is bad, the text is not UTF-8, holds a lone surrogate, or is nested deeper than 1024
    levels. orjson counts the levels itself, so a million brackets are an error and do not exhaust the stack.
    """
    try:
        value: object = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"{error.msg} at byte {error.pos}") from None
    return value


def parse_object(data: Buffer) -> Mapping[str, object]:
    """Return a JSON object. Raises ValueError as `parse_json` does, and if the JSON is not an object."""
    value = parse_json(data)
    if not isinstance(value, dict):
        raise ValueError("expected a JSON object")
    return value


def may_hold_nan(data: bytes) -> bool:
    """Return whether NaN or Infinity stands in the text, be it as a number or within a string."""
    return b"NaN" in data or b"Infinity" in data


def parse_python_object(data: bytes) -> Mapping[str, object]:
    """Return a JSON object in which NaN and Infinity may stand, as null. Raises ValueError as `parse_object` does.

    Python writes them for such numbers unless it is told not to, though they are no JSON. Reading them takes up to ten
    times as long, so a text of more than LARGEST_OF_PYTHON bytes may not have them.
    """
    try:
        return parse_object(data)
    except ValueError:
        if len(data) > LARGEST_OF_PYTHON or not may_hold_nan(data):
            raise
    try:
        # What one parser takes goes through the other, so that nothing else gets in, such as half a surrogate pair.
        return parse_object(orjson.dumps(json.loads(data.decode(), parse_constant=lambda _: None)))
    except (RecursionError, orjson.JSONEncodeError):
        raise ValueError("expected JSON") from None


def json_text(value: object) -> str:
    """Return a parsed value as JSON, without blanks, keys in order, or "" if it is nested too deep to be written."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except orjson.JSONEncodeError:
        return ""


def as_mapping(value: object) -> Mapping[str, object]:
    """Return the value if it is an object, else an empty one. A field that a client sent may be of any type."""
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[object]:
    """Return the value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def as_text(value: object) -> str:
    """Return the value if it is a text, else ""."""
    return value if isinstance(value, str) else ""
