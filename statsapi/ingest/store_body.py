"""The store endpoint's body, as raven and other old SDKs send it: one event as JSON, or as base64 of zlib of JSON."""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from dataclasses import dataclass

from statsapi.http.bounded_body import BoundedBody
from statsapi.http.errors import BodyLimit, RequestError, empty_body
from statsapi.http.foreign_json import may_hold_nan, parse_python_object
from statsapi.ingest.event_ids import read_event_id
from tsdb.outcomes import Category


@dataclass(frozen=True, slots=True)
class StoreEvent:
    """A parsed body."""

    event_id: str | None  # 32 lower-case hex digits; None if the service has to make one
    category: Category  # error, or transaction, which old SDKs send here too
    event: Mapping[str, object]


_USUAL_ALPHABET = bytes.maketrans(b" -_", b"++/")
_LINE_BREAKS = b"\r\n\t"

LARGEST_RATIO = 1000
"""A byte of base64 of zlib unpacks to about so many at most."""

SLOWER = 10
"""How many times as long it takes to read a byte of a text with NaN in it."""


def most_bytes(body: bytes) -> int:
    """Return how many bytes of JSON a body may hold, or of JSON that takes as long to read."""
    if body.lstrip().startswith(b"{"):
        return len(body) * SLOWER if may_hold_nan(body) else len(body)
    return len(body) * LARGEST_RATIO


def parse_store(body: bytes, unpacked: BodyLimit) -> StoreEvent:
    """Return the event. Raises RequestError 400 if the body is no event, 413 if it unpacks to more than the limit."""
    text = body.strip()
    if not text:
        raise empty_body()
    try:
        event = parse_python_object(text if text.startswith(b"{") else _unwrapped(text, unpacked))
    except ValueError as error:
        raise _invalid(str(error)) from None
    return StoreEvent(
        event_id=read_event_id(event),
        category=Category.TRANSACTION if event.get("type") == "transaction" else Category.ERROR,
        event=event,
    )


def _unwrapped(text: bytes, limit: BodyLimit) -> bytes:
    """Return the JSON that base64, or base64 of zlib, holds.

    Some clients break it into lines, as in a mail, or send URL-safe base64 without padding. A `+` that came through a
    query string without being quoted arrives as a blank, and is put back.
    """
    packed = text.translate(_USUAL_ALPHABET, _LINE_BREAKS)
    data = binascii.a2b_base64(packed + b"=" * (-len(packed) % 4), strict_mode=True)
    if data.startswith(b"{"):
        return data
    try:
        body = BoundedBody("deflate", sent=limit, unpacked=limit, length=None)
        return b"".join([*body.feed(data), *body.end()])
    except RequestError as error:
        if error.status == 413:
            raise
        raise _invalid("neither JSON nor base64 of zlib of JSON") from None


def _invalid(cause: str) -> RequestError:
    return RequestError(400, "invalid JSON data", [cause], "invalid_json")
