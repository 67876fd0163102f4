"""Envelopes: one line of JSON headers, then items, each of which is one line of JSON headers and a payload.

    {"event_id":"9ec7…","sent_at":"2026-…"}
    {"type":"event","length":41}
    …41 bytes and a newline…
    {"type":"session"}
    …up to the newline…

Source: Sentry's developer documentation, "Envelopes". The parser does no I/O: the body is fed in as it comes, in pieces
of any size. Only what other modules read is kept: the event, the first transaction and the client reports. All else is
passed over as it comes, and may be of any size. No payload is parsed here. The only exception that is raised is
RequestError: 400 for what is no envelope, 413 above a limit. It is the same however the body is cut into pieces.

An item that is kept has a limit. Above it the item is lost, and the envelope goes on. Above a limit of the whole
envelope `cut` returns what came before.

The source leaves some choices. Blank lines may stand before an item and at the end. An item whose header line ends the
body has an empty payload. A `length` of null is no length.
"""

from __future__ import annotations

from collections.abc import Mapping

from statsapi.http.errors import RequestError, empty_body
from statsapi.http.foreign_json import Buffer, as_mapping, as_text, parse_object
from statsapi.ingest.categories import ERROR_ATTACHMENTS, ITEM_CATEGORIES, READ_TYPES, category_of_item
from statsapi.ingest.envelope_parts import Envelope, EnvelopeHeader, EnvelopeLimits, Item, OpenItem
from statsapi.ingest.event_ids import read_event_id
from tsdb.outcomes import Category

NEWLINE = 0x0A
BLANKS = b" \t\r\n"  # what may stand before JSON
FEW_BLANKS = 64


class EnvelopeParser:
    """Parses one envelope, which is fed to it in pieces.

    `header` is set as soon as its line is whole; `end` sets it if nothing follows the line. It may hold the
    credentials, so look for it after each `feed`. What follows it in its piece waits for the next call, so that bad
    credentials are refused before a bad item. After an error or `end` the parser is used up.
    """

    __slots__ = (
        "_has_event",
        "_has_transaction",
        "_held",
        "_item",
        "_items",
        "_kept",
        "_limits",
        "_lost",
        "_reports",
        "_seen",
        "_waiting",
        "header",
        "parsed",
    )

    def __init__(self, limits: EnvelopeLimits) -> None:
        self.header: EnvelopeHeader | None = None
        self._limits = limits
        self._waiting = b""  # what followed the header in its piece
        self._held = bytearray()  # the beginning of a line, or of a payload that is kept
        self._item: OpenItem | None = None  # the item whose payload comes next
        self._items: list[Item] = []
        self._lost: list[Item] = []
        self._kept = 0  # bytes of the items' payloads
        self._reports = 0  # bytes of those that are client reports
        self._seen = 0  # items, those of unknown type included
        self.parsed = 0  # bytes of their headers
        self._has_event = self._has_transaction = False

    @property
    def held(self) -> int:
        """The bytes that are kept: payloads, and what is not whole yet."""
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
            self._take_waiting()
        self._take(piece)

    def end(self) -> Envelope:
        """Return the envelope, after the whole body was fed. Raises RequestError."""
        if self.header is None:
            if not self._held:
                raise empty_body()
            self.header, self._held = _envelope_header(self._held), bytearray()
        self._take_waiting()
        if self._item is None and self._held:
            self._item, self._held = self._opened(self._held), bytearray()
        if self._item is not None:
            if self._item.length is not None and self._item.size < self._item.length:
                raise _invalid("a payload ends before its length")
            self._close(self._item, bytes(self._held))
        return self._envelope(self.header)

    def cut(self) -> Envelope:
        """Return what came whole before a limit of the envelope was exceeded. The header must be there.

        Raises RequestError 400 if what came is no envelope.
        """
        assert self.header is not None  # noqa: S101 - as the docstring says
        try:
            self._take_waiting()
        except RequestError as error:
            if error.status != 413:
                raise
        if (item := self._item) is not None:
            if item.size == item.length:  # only its newline is missing
                self._close(item, bytes(self._held))
            elif item.category is not None:
                self._lost.append(item.item(b""))
        return self._envelope(self.header)

    def _envelope(self, header: EnvelopeHeader) -> Envelope:
        return Envelope(header, tuple(self._items), tuple(self._lost))

    def _take_waiting(self) -> None:
        waiting, self._waiting = self._waiting, b""
        self._take(waiting)

    def _take(self, piece: bytes) -> None:
        at = 0
        while at < len(piece):
            if self._item is not None:
                at = self._payload(self._item, piece, at)
            elif not self._held and piece[at] in BLANKS:
                at = after_blanks(piece, at)
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

    def _payload(self, item: OpenItem, piece: bytes, at: int) -> int:
        """Take the payload from `at`, or as much of it as came, and its newline. Return where that ends."""
        if item.length is None:
            newline = piece.find(b"\n", at)
            stop = newline if newline >= 0 else len(piece)
        else:
            stop = min(len(piece), at + item.length - item.size)
        item.size += stop - at
        if item.is_kept and item.size > item.room:
            item.is_kept, item.is_too_large = False, True
            self._held = bytearray()
        if stop == len(piece):  # more of the payload may come, or its newline
            if item.is_kept:
                self._held += piece[at:]
            return stop
        if piece[stop] != NEWLINE:
            raise _invalid("a payload goes on after its length")
        payload = piece[at:stop] if item.is_kept else b""
        self._close(item, bytes(self._held + payload) if self._held else payload)
        return stop + 1

    def _opened(self, line: Buffer) -> OpenItem:
        """Return the item that begins with this line of headers."""
        self.parsed += len(line)
        headers = _parsed(line)
        kind, length = headers.get("type"), headers.get("length")
        if not isinstance(kind, str):
            raise _invalid("an item without a type")
        if length is not None and (not isinstance(length, int) or isinstance(length, bool) or length < 0):
            raise _invalid("length must be a whole number of bytes")
        category, room = category_of_item(kind, headers.get("platform")), self._limits.item.maximum
        is_kept = kind in READ_TYPES
        if kind == "client_report":
            room -= self._reports
        elif category is Category.TRANSACTION:
            is_kept = not self._has_transaction
        makes_error = kind == "attachment" and as_text(headers.get("attachment_type")) in ERROR_ATTACHMENTS
        return OpenItem(kind, category, length, headers.get("item_count"), makes_error, is_kept, room)

    def _close(self, item: OpenItem, payload: bytes) -> None:
        """Add the item, whose payload is whole, to those of the envelope."""
        self._item, self._held = None, bytearray()
        if item.type not in ITEM_CATEGORIES:
            return
        if item.category is Category.ERROR:
            if self._has_event:
                raise _invalid("more than one event")
            self._has_event = True
        elif item.category is Category.TRANSACTION:
            self._has_transaction = True
        elif item.type == "client_report":
            self._reports += len(payload)
        # A report that is too large is dropped as one that cannot be read is.
        is_lost = item.is_too_large and item.category is not None
        (self._lost if is_lost else self._items).append(item.item(payload))
        self._kept += len(payload)


def after_blanks(piece: bytes, at: int) -> int:
    """Return where the blanks end that begin at `at`. A body may be nothing else, and `lstrip` takes 7 µs for a KB."""
    rest = piece[at : at + FEW_BLANKS].lstrip(BLANKS)
    if not rest:
        rest = piece[at + FEW_BLANKS :]
        rest = rest.lstrip(BLANKS) if rest.translate(None, BLANKS) else b""
        return len(piece) - len(rest)
    return min(len(piece), at + FEW_BLANKS) - len(rest)


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
