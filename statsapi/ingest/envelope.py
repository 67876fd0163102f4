"""Envelopes: one line of JSON headers, then items, each of which is one line of JSON headers and a payload.

    {"event_id":"9ec7…","sent_at":"2026-…"}
    {"type":"event","length":41}
    …41 bytes and a newline…
    {"type":"session"}
    …up to the newline…

Source: Sentry's developer documentation, "Envelopes". The parser does no I/O: the body is fed in as it comes, in pieces
of any size. Only the event and the first client report are kept, however large the body is, and other modules read
them. No payload is parsed here. The only exception that is raised is RequestError: 400 for what is no envelope, 413
above a limit. It is the same however the body is cut into pieces.

The source leaves some choices. Blank lines are allowed at the end only. An item whose header line ends the body has an
empty payload. A `length` of null is no length.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from statsapi.http.errors import BodyLimit, RequestError
from statsapi.http.foreign_json import Buffer, as_mapping, as_text, parse_object
from statsapi.ingest.categories import COUNTED_TYPES, ITEM_CATEGORIES
from statsapi.ingest.event_ids import read_event_id
from tsdb.outcomes import Category

NEWLINE = 0x0A


@dataclass(frozen=True, slots=True)
class EnvelopeLimits:
    """The limits of the parts of an envelope."""

    header_line: BodyLimit  # bytes of one line of headers
    item: BodyLimit  # bytes of one payload
    items: BodyLimit  # number of items, those of unknown type included


class EnvelopeHeader(NamedTuple):
    """The headers of an envelope that are read."""

    event_id: str | None  # 32 lower-case hex digits
    dsn: str | None  # as sent
    sent_at: object  # as sent; reports.py reads it leniently
    trace_key: str  # public key of the project in which the trace began; "" without a trace
    trace_environment: object  # the environment in which the trace began, as sent


class Item(NamedTuple):
    """An item of known type."""

    type: str
    category: Category | None  # None if it is not counted by itself
    quantity: int  # how many of its category: 1, or what `item_count` says
    payload: bytes  # of the event and of the first client report, else b""


class Envelope(NamedTuple):
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


class EnvelopeParser:
    """Parses one envelope, which is fed to it in pieces.

    `header` is set as soon as its line is whole; `end` sets it if nothing follows the line. It may hold the
    credentials, so look for it after each `feed`. What follows it in its piece waits for the next call, so that bad
    credentials are refused before a bad item. After an error or `end` the parser is used up.
    """

    __slots__ = (
        "_has_blank_line",
        "_has_event",
        "_has_report",
        "_held",
        "_item",
        "_items",
        "_kept",
        "_limits",
        "_seen",
        "_waiting",
        "header",
    )

    def __init__(self, limits: EnvelopeLimits) -> None:
        self.header: EnvelopeHeader | None = None
        self._limits = limits
        self._waiting = b""  # what followed the header in its piece
        self._held = bytearray()  # the beginning of a line, or of a payload that is kept
        self._item: _OpenItem | None = None  # the item whose payload comes next
        self._items: list[Item] = []
        self._kept = 0  # bytes of their payloads
        self._seen = 0  # items, those of unknown type included
        self._has_event = self._has_report = self._has_blank_line = False

    @property
    def held(self) -> int:
        """The bytes that are kept: of the event, of the first client report, and of what is not whole yet."""
        return self._kept + len(self._held) + len(self._waiting)

    def feed(self, piece: bytes) -> None:
        """Take the next bytes of the body. Raises RequestError."""
        if self.header is None:
            line, end = self._line(piece, 0)
            if line is not None:
                self.header = _envelope_header(line)
                self._waiting = piece[end:]
            return
        if self._waiting:
            self._take(self._waiting)
            self._waiting = b""
        self._take(piece)

    def end(self) -> Envelope:
        """Return the envelope, after the whole body was fed. Raises RequestError."""
        if self.header is None:
            if not self._held:
                raise RequestError(400, "empty request body", reason="empty")
            self.header, self._held = _envelope_header(self._held), bytearray()
        self._take(self._waiting)
        if self._item is None and self._held:
            self._item, self._held = self._opened(self._held), bytearray()
        if self._item is not None:
            if self._item.length is not None and self._item.size < self._item.length:
                raise _invalid("a payload ends before its length")
            self._close(self._item, bytes(self._held))
        return Envelope(self.header, tuple(self._items))

    def _take(self, piece: bytes) -> None:
        at = 0
        while at < len(piece):
            if self._item is not None:
                at = self._payload(self._item, piece, at)
            elif not self._held and (self._has_blank_line or piece[at] == NEWLINE):
                self._has_blank_line = True
                if piece.count(b"\n", at) < len(piece) - at:
                    raise _invalid("blank line between items")
                return
            else:
                at = self._headers(piece, at)

    def _headers(self, piece: bytes, at: int) -> int:
        """Take the line of an item's headers from `at`, or as much of it as came. Return where that ends."""
        if not self._held:
            self._seen += 1
            if self._seen > self._limits.items.maximum:
                raise self._limits.items.exceeded("the envelope", "items")
        line, end = self._line(piece, at)
        if line is not None:
            self._item = self._opened(line)
        return end

    def _line(self, piece: bytes, at: int) -> tuple[Buffer | None, int]:
        """Take the line from `at`, or as much of it as came. Return it if it is whole, and where that ends."""
        limit = self._limits.header_line
        room = limit.maximum - len(self._held)
        newline = piece.find(b"\n", at, at + room + 1)
        if newline < 0:
            if len(piece) - at > room:
                raise limit.exceeded("a line of headers")
            self._held += piece[at:]
            return None, len(piece)
        if not self._held:
            return piece[at:newline], newline + 1
        line, self._held = self._held + piece[at:newline], bytearray()
        return line, newline + 1

    def _payload(self, item: _OpenItem, piece: bytes, at: int) -> int:
        """Take the payload from `at`, or as much of it as came, and its newline. Return where that ends."""
        limit = self._limits.item
        room = limit.maximum - item.size
        if item.length is None:
            newline = piece.find(b"\n", at, at + room + 1)
            stop = newline if newline >= 0 else len(piece)
        else:
            stop = min(len(piece), at + item.length - item.size)
        if stop - at > room:
            raise limit.exceeded("an item")
        item.size += stop - at
        if stop == len(piece):  # more of the payload may come, or its newline
            if item.is_kept:
                self._held += piece[at:]
            return stop
        if piece[stop] != NEWLINE:
            raise _invalid("a payload goes on after its length")
        payload = piece[at:stop] if item.is_kept else b""
        if self._held:
            payload, self._held = bytes(self._held + payload), bytearray()
        self._close(item, payload)
        return stop + 1

    def _opened(self, line: Buffer) -> _OpenItem:
        """Return the item that begins with this line of headers."""
        headers = _parsed(line)
        kind, length = headers.get("type"), headers.get("length")
        if not isinstance(kind, str):
            raise _invalid("an item without a type")
        if length is not None and (not isinstance(length, int) or isinstance(length, bool) or length < 0):
            raise _invalid("length must be a whole number of bytes")
        category = ITEM_CATEGORIES.get(kind)
        # An SDK sends one report at a time. A hundred full ones would keep Redis busy for seconds.
        is_kept = category is Category.ERROR or (kind == "client_report" and not self._has_report)
        return _OpenItem(kind, category, length, headers.get("item_count"), is_kept)

    def _close(self, item: _OpenItem, payload: bytes) -> None:
        """Add the item, whose payload is whole, to those of the envelope."""
        self._item = None
        if item.type not in ITEM_CATEGORIES:
            return
        if item.category is Category.ERROR:
            if self._has_event:
                raise _invalid("more than one event")
            self._has_event = True
        self._has_report = self._has_report or item.type == "client_report"
        self._items.append(Item(item.type, item.category, item.quantity(), payload))
        self._kept += len(payload)


@dataclass(slots=True)
class _OpenItem:
    """An item whose headers were read."""

    type: str
    category: Category | None
    length: int | None  # of the payload in bytes; None if it ends at a newline
    item_count: object  # as sent
    is_kept: bool  # whether the payload is
    size: int = 0  # bytes of the payload so far

    def quantity(self) -> int:
        """Return what `item_count` claims, up to the number of bytes of the payload, or 1 without a claim."""
        count = self.item_count
        if self.type not in COUNTED_TYPES or not isinstance(count, int) or isinstance(count, bool):
            return 1
        return max(1, min(count, self.size))


def _envelope_header(line: Buffer) -> EnvelopeHeader:
    headers = _parsed(line)
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


def _parsed(line: Buffer) -> Mapping[str, object]:
    try:
        return parse_object(line)
    except ValueError as error:
        raise _invalid(f"headers: {error}") from None


def _invalid(cause: str) -> RequestError:
    return RequestError(400, "invalid event envelope", [cause], "invalid_envelope")
