"""The envelope: one line of JSON headers, then items, each one line of JSON headers and a payload.

    {"event_id":"9ec7…","sent_at":"2026-…"}
    {"type":"event","length":41}
    …41 bytes and a newline…
    {"type":"session"}
    …up to the newline…

Source: Sentry's developer documentation, "Envelopes". Works on bytes and offsets: payloads are views into
the body, never copied and never parsed here. Only IntakeError is ever raised: 400 for what is no envelope,
413 above a limit.

Stricter and looser than the source where it leaves a choice: blank lines are taken at the end only; an item
whose header line ends the body has an empty payload; a `length` of null is no length.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from statsapi.ingest.categories import COUNTED_TYPES, ITEM_CATEGORIES
from statsapi.ingest.errors import IntakeError, Limit
from statsapi.ingest.identifiers import read_event_id
from statsapi.ingest.payloads import as_mapping, as_text, parse_object
from tsdb.outcomes import Category


@dataclass(frozen=True, slots=True)
class EnvelopeLimits:
    header_line: Limit  # bytes of one line of headers
    item: Limit  # bytes of one payload
    items: Limit  # how many, those of unknown type included


@dataclass(frozen=True, slots=True)
class EnvelopeHeader:
    event_id: str | None  # 32 lower-case hex digits
    dsn: str | None  # as sent
    sent_at: object  # as sent: reports.py reads it, leniently
    trace_key: str  # public key of the project in which the trace began; "" without a trace
    trace_environment: object  # the environment in which the trace began, as sent


@dataclass(frozen=True, slots=True)
class Item:
    type: str
    category: Category | None  # None: not counted by itself
    quantity: int  # how many of its category: 1, or what `item_count` says
    payload: memoryview


@dataclass(frozen=True, slots=True)
class Envelope:
    header: EnvelopeHeader
    items: tuple[Item, ...]  # those of known type, in order; at most one is of category error

    @property
    def event(self) -> Item | None:
        """The item of category error, if there is one."""
        return next((item for item in self.items if item.category is Category.ERROR), None)


def parse_envelope(body: bytes, limits: EnvelopeLimits) -> Envelope:
    if not body:
        raise IntakeError(400, "empty request body")
    headers, offset = _header_line(body, 0, limits.header_line)
    header = _envelope_header(headers)
    view = memoryview(body)
    items: list[Item] = []
    seen = 0
    has_event = False
    while offset < len(body):
        if body[offset] == 0x0A:
            if body.count(b"\n", offset) < len(body) - offset:
                raise _invalid("blank line between items")
            break
        seen += 1
        if seen > limits.items.maximum:
            raise limits.items.exceeded("the envelope", "items")
        headers, start = _header_line(body, offset, limits.header_line)
        kind = headers.get("type")
        if not isinstance(kind, str):
            raise _invalid("an item without a type")
        end = _payload_end(body, start, headers.get("length"))
        if end - start > limits.item.maximum:
            raise limits.item.exceeded("an item")
        offset = end + 1
        if kind not in ITEM_CATEGORIES:
            continue
        category = ITEM_CATEGORIES[kind]
        if category is Category.ERROR:
            if has_event:
                raise _invalid("more than one event")
            has_event = True
        items.append(Item(kind, category, _quantity(kind, headers, end - start), view[start:end]))
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


def _header_line(body: bytes, start: int, limit: Limit) -> tuple[Mapping[str, object], int]:
    """The headers of the line at `start`, and where the next one begins (past the end, after the last)."""
    end = body.find(b"\n", start, start + limit.maximum + 1)
    if end < 0:
        if len(body) - start > limit.maximum:
            raise limit.exceeded("a line of headers")
        end = len(body)
    try:
        return parse_object(body[start:end]), end + 1
    except ValueError as error:
        raise _invalid(f"headers: {error}") from None


def _payload_end(body: bytes, start: int, length: object) -> int:
    if length is None:
        end = body.find(b"\n", start)
        return end if end >= 0 else max(start, len(body))
    if not isinstance(length, int) or isinstance(length, bool) or length < 0:
        raise _invalid("length must be a whole number of bytes")
    end = start + length
    # An item with length 0 may end the body without a newline after its header, so that `start` is past the
    # end.
    if length and end > len(body):
        raise _invalid("a payload ends before its length")
    if end < len(body) and body[end] != 0x0A:
        raise _invalid("a payload goes on after its length")
    return end


def _quantity(kind: str, headers: Mapping[str, object], size: int) -> int:
    """What `item_count` claims, as far as so many things can be in so many bytes."""
    count = headers.get("item_count")
    if kind not in COUNTED_TYPES or not isinstance(count, int) or isinstance(count, bool):
        return 1
    return max(1, min(count, size))


def _invalid(cause: str) -> IntakeError:
    return IntakeError(400, "invalid event envelope", [cause])
