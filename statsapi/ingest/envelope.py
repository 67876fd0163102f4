"""Envelopes: one line of JSON headers, then items, each of which is one line of JSON headers and a payload.

    {"event_id":"9ec7…","sent_at":"2026-…"}
    {"type":"event","length":41}
    …41 bytes and a newline…
    {"type":"session"}
    …up to the newline…

Source: Sentry's developer documentation, "Envelopes". The body is read as it comes. Only the event and the
first client report are kept, however large the body is, and other modules read them. No payload is parsed here. The
only exception that is raised is RequestError: 400 for what is no envelope, 413 above a limit.

The source leaves some choices. Blank lines are allowed at the end only. An item whose header line ends the body has an
empty payload. A `length` of null is no length.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from statsapi.http.errors import BodyLimit, RequestError
from statsapi.http.foreign_json import as_mapping, as_text, parse_object
from statsapi.ingest.body_stream import NEWLINE, BodyStream
from statsapi.ingest.categories import COUNTED_TYPES, ITEM_CATEGORIES
from statsapi.ingest.event_ids import read_event_id
from tsdb.outcomes import Category


@dataclass(frozen=True, slots=True)
class EnvelopeLimits:
    """The limits of the parts of an envelope."""

    header_line: BodyLimit  # bytes of one line of headers
    item: BodyLimit  # bytes of one payload
    items: BodyLimit  # number of items, those of unknown type included


@dataclass(frozen=True, slots=True)
class EnvelopeHeader:
    """The headers of an envelope that are read."""

    event_id: str | None  # 32 lower-case hex digits
    dsn: str | None  # as sent
    sent_at: object  # as sent; reports.py reads it leniently
    trace_key: str  # public key of the project in which the trace began; "" without a trace
    trace_environment: object  # the environment in which the trace began, as sent


@dataclass(frozen=True, slots=True)
class Item:
    """An item of known type."""

    type: str
    category: Category | None  # None if it is not counted by itself
    quantity: int  # how many of its category: 1, or what `item_count` says
    payload: bytes  # of the event and of the first client report, else b""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A parsed envelope."""

    header: EnvelopeHeader
    items: tuple[Item, ...]  # those of known type, in order; at most one is of category error

    @property
    def event(self) -> Item | None:
        """Return the item of category error, or None."""
        return next((item for item in self.items if item.category is Category.ERROR), None)

    def attached(self) -> tuple[Mapping[Category, int], tuple[Item, ...]]:
        """Return how many attachments are a part of the event, by category, and all other items."""
        attachments = [item for item in self.items if item.category is Category.ATTACHMENT]
        if not attachments or self.event is None:
            return {}, self.items
        others = tuple(item for item in self.items if item.category is not Category.ATTACHMENT)
        return {Category.ATTACHMENT: sum(item.quantity for item in attachments)}, others


def read_header(pieces: BodyStream, limits: EnvelopeLimits) -> EnvelopeHeader:
    """Return the header of an envelope, which may hold the credentials. Only its line is taken."""
    if pieces.next_byte() is None:
        raise RequestError(400, "empty request body", reason="empty")
    return _envelope_header(_headers(pieces, limits.header_line))


def read_items(pieces: BodyStream, header: EnvelopeHeader, limits: EnvelopeLimits) -> Envelope:
    """Return the envelope with the items that follow its header. All pieces are taken unless one is refused."""
    items: list[Item] = []
    seen = 0
    has_event = has_report = False
    while (byte := pieces.next_byte()) is not None:
        if byte == NEWLINE:
            if not pieces.only_newlines():
                raise _invalid("blank line between items")
            break
        seen += 1
        if seen > limits.items.maximum:
            raise limits.items.exceeded("the envelope", "items")
        headers = _headers(pieces, limits.header_line)
        kind = headers.get("type")
        if not isinstance(kind, str):
            raise _invalid("an item without a type")
        category = ITEM_CATEGORIES.get(kind)
        # An SDK sends one report at a time. A hundred full ones would keep Redis busy for seconds.
        is_report = kind == "client_report" and not has_report
        is_kept = is_report or category is Category.ERROR
        payload, size = _payload(pieces, headers.get("length"), limits.item, kept=limits.item.maximum if is_kept else 0)
        has_report = has_report or is_report
        if kind not in ITEM_CATEGORIES:
            continue
        if category is Category.ERROR:
            if has_event:
                raise _invalid("more than one event")
            has_event = True
        items.append(Item(kind, category, _quantity(kind, headers, size), payload))
    return Envelope(header, tuple(items))


def _envelope_header(headers: Mapping[str, object]) -> EnvelopeHeader:
    dsn = headers.get("dsn")
    if dsn is not None and not isinstance(dsn, str):
        raise _invalid("dsn must be a string")
    trace = as_mapping(headers.get("trace"))
    return EnvelopeHeader(
        event_id=read_event_id(headers),
        dsn=dsn,
        sent_at=headers.get("sent_at"),
        trace_key=as_text(trace.get("public_key")),
        trace_environment=trace.get("environment"),
    )


def _headers(pieces: BodyStream, limit: BodyLimit) -> Mapping[str, object]:
    """Return the headers of the next line."""
    line, size = pieces.stretch(None, longest=limit.maximum, kept=limit.maximum)
    if size > limit.maximum:
        raise limit.exceeded("a line of headers")
    pieces.newline()
    try:
        return parse_object(line)
    except ValueError as error:
        raise _invalid(f"headers: {error}") from None


def _payload(pieces: BodyStream, length: object, limit: BodyLimit, *, kept: int) -> tuple[bytes, int]:
    """Return the next payload, or b"" if it is longer than `kept`, and its size."""
    if length is not None and (not isinstance(length, int) or isinstance(length, bool) or length < 0):
        raise _invalid("length must be a whole number of bytes")
    payload, size = pieces.stretch(length, longest=limit.maximum, kept=kept)
    if size > limit.maximum:
        raise limit.exceeded("an item")
    if length is not None and size < length:
        raise _invalid("a payload ends before its length")
    if not pieces.newline():
        raise _invalid("a payload goes on after its length")
    return payload, size


def _quantity(kind: str, headers: Mapping[str, object], size: int) -> int:
    """Return what `item_count` claims, up to the number of bytes of the payload, or 1 without a claim."""
    count = headers.get("item_count")
    if kind not in COUNTED_TYPES or not isinstance(count, int) or isinstance(count, bool):
        return 1
    return max(1, min(count, size))


def _invalid(cause: str) -> RequestError:
    return RequestError(400, "invalid event envelope", [cause], "invalid_envelope")
