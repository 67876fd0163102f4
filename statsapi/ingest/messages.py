"""Log messages with their params filled in, as Sentry's relay fills them in.

`{"message": "connection to %s lost", "params": ["db-7"]}` means "connection to db-7 lost".

- A message with a `%` is one of Python: `%s` and its like take the params in turn, `%(name)s` takes one by its name.
- Any other message may have `{}`, which takes the params in turn, `{0}` and `{name}`.
- Width and precision are ignored. What only looks like a placeholder stays as it is.
- If a param is missing or null, or cannot be written as asked, the whole message stays as it is.
"""

from __future__ import annotations

import re
from decimal import Decimal

from statsapi.http.foreign_json import as_mapping, as_text, json_text

LONGEST_MESSAGE = 8192
"""Characters. What follows is neither filled in nor compared, which bounds the work of both."""

MOST_PLACEHOLDERS = 1000
"""A message with more of them stays as it is. Filling in as many takes 3 ms."""

_PYTHON = re.compile(
    r"%(?:\((?P<key>\w++)\))?(?P<flags>[#0+-]*+)"
    r"(?:[0-9]++|\*)?(?:\.(?:[0-9]++|\*))?[hlL]*+(?P<type>[diouxXeEfFgGcrs%])"
)
_CURLY = re.compile(r"\{(?P<key>\w*+)\}")


def message_of(interface: object) -> str:
    """Return the message of a log entry, which is an object or a text, or ""."""
    if not isinstance(interface, dict):
        return "" if interface is None else lenient_text(interface)[:LONGEST_MESSAGE]
    entry = as_mapping(interface)
    formatted = entry.get("formatted")
    if isinstance(formatted, str):
        return formatted[:LONGEST_MESSAGE]
    return filled_in(as_text(entry.get("message")), entry.get("params"))


def lenient_text(value: object) -> str:
    """Return a text as it is, and anything else as JSON."""
    return value if isinstance(value, str) else json_text(value)


def filled_in(message: str, params: object) -> str:
    """Return the message with its params, or without them if they do not fit. Params are a list or an object."""
    message = message[:LONGEST_MESSAGE]
    if not isinstance(params, list | dict):
        return message
    try:
        return _filled_in(message, params)
    except (LookupError, TypeError, ValueError):
        return message


def _filled_in(message: str, params: list[object] | dict[str, object]) -> str:
    """Raises LookupError, TypeError or ValueError if the params do not fit."""
    pieces, length, end, turn = [], 0, 0, 0
    written: dict[tuple[str | int, str], str] = {}  # a message may ask for the same long param a thousand times
    pattern = _PYTHON if "%" in message else _CURLY
    for number, found in enumerate(pattern.finditer(message)):
        if number == MOST_PLACEHOLDERS:
            raise ValueError
        key: str | int = found["key"] or turn
        if pattern is _CURLY and found["key"].isdecimal():
            key = int(key)
        asked = found.groupdict().get("type") or "s"
        if asked == "%":
            text = "%"
        else:
            turn += not found["key"]
            how = asked if asked in "oxXeEr" else "s"
            if how in "oxX" and "#" in found["flags"]:
                how = f"#{how}"
            if (key, how) not in written:
                written[key, how] = _written(_param(params, key), how)[:LONGEST_MESSAGE]
            text = written[key, how]
        if length < LONGEST_MESSAGE:
            pieces += [message[end : found.start()], text]
            length += found.start() - end + len(text)
        end = found.end()
    return "".join([*pieces, message[end:]])[:LONGEST_MESSAGE]


def _param(params: list[object] | dict[str, object], key: str | int) -> object:
    """Return a param. An object has names, and a list has numbers."""
    if isinstance(params, dict):
        value = params[key] if isinstance(key, str) else None
    else:
        value = params[key] if isinstance(key, int) else None
    if value is None:
        raise LookupError
    return value


def _written(value: object, how: str) -> str:
    """Return a param as `%s`, `%r`, `%x`, `%#x` or `%e` writes it. Numbers are written as Rust does."""
    if how in ("e", "E"):
        if not isinstance(value, float):
            raise TypeError
        text = format(Decimal(repr(value)).normalize(), "e").replace("e+", "e")
        return text.upper() if how == "E" else text
    if how[-1] in "oxX":
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError
        prefix = f"0{how[-1].lower()}" if how[0] == "#" else ""
        return prefix + format(value & 0xFFFF_FFFF_FFFF_FFFF, how[-1])
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f").removesuffix(".0")
    if how == "r":
        return json_text(value)
    return lenient_text(value)
