"""Foreign JSON. Every room of intake parses it here, so that one place knows how it can go wrong."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

Buffer = bytes | bytearray | memoryview


def parse_json(data: Buffer) -> object:
    """The value, or ValueError: bad syntax, not UTF-8, a lone surrogate, deeper than 1024 levels.

    orjson keeps its own depth count, so that a million brackets cost an error and not the stack.
    """
    try:
        value: object = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"{error.msg} at byte {error.pos}") from None
    return value


def parse_object(data: Buffer) -> Mapping[str, object]:
    """The JSON object, or ValueError, also where the JSON is something else."""
    value = parse_json(data)
    if not isinstance(value, dict):
        raise ValueError("expected a JSON object")
    return value


def as_mapping(value: object) -> Mapping[str, object]:
    """The value if it is an object, else an empty one: a foreign field may be of any type."""
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def as_text(value: object) -> str:
    return value if isinstance(value, str) else ""
