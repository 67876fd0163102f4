"""The parts of an envelope, and their limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from statsapi.http.errors import BodyLimit
from statsapi.ingest.categories import COUNTED_TYPES
from tsdb.outcomes import Category


@dataclass(frozen=True, slots=True)
class EnvelopeLimits:
    """The limits of the parts of an envelope."""

    header_line: BodyLimit  # bytes of one line of headers
    item: BodyLimit  # bytes of one payload that is kept, and of all client reports together
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
    counts: tuple[tuple[Category, int], ...]  # what it counts: categories and quantities, which are at least 1
    payload: bytes = b""  # of the event, the first transaction and the client reports
    makes_error: bool = False  # whether it is an attachment that is an error if there is no event


class Envelope(NamedTuple):
    """A parsed envelope."""

    header: EnvelopeHeader
    items: tuple[Item, ...]  # those of known type, in order; at most one is of category error
    lost: tuple[Item, ...] = ()  # those that did not come whole before a limit, or are too large to be read

    @property
    def event(self) -> Item | None:
        """Return the item that is the event of the envelope, or None.

        It is of category error, or else an attachment that makes an error, or else the first transaction.
        """
        if any(item.category is Category.ERROR for item in self.lost):
            return None
        return (
            next((item for item in self.items if item.category is Category.ERROR), None)
            or next((item for item in self.items if item.makes_error), None)
            or next((item for item in self.items if item.category is Category.TRANSACTION), None)
        )

    @property
    def has_lost_event(self) -> bool:
        """Return whether an error or a transaction is among what was lost."""
        return any(item.category in (Category.ERROR, Category.TRANSACTION) for item in self.lost)


@dataclass(slots=True)
class OpenItem:
    """An item whose headers were read."""

    type: str
    category: Category | None
    length: int | None  # of the payload in bytes; None if it ends at a newline
    item_count: object  # as sent
    makes_error: bool
    is_kept: bool  # whether the payload is
    room: int  # the most bytes that it may have if it is kept
    size: int = 0  # bytes of the payload so far
    is_too_large: bool = False  # to be kept

    def item(self, payload: bytes) -> Item:
        """Return the item. It counts what came of its payload."""
        return Item(self.type, self.category, self._counts(), payload, self.makes_error)

    def _counts(self) -> tuple[tuple[Category, int], ...]:
        if self.category is None:
            return ()
        if self.category is not Category.ATTACHMENT:
            return ((self.category, self._quantity()),)
        piece = (Category.ATTACHMENT_ITEM, 1)
        return ((Category.ATTACHMENT, self.size), piece) if self.size else (piece,)

    def _quantity(self) -> int:
        """Return what `item_count` claims, up to the number of bytes of the payload, or 1 without a claim."""
        count = self.item_count
        if self.type not in COUNTED_TYPES or not isinstance(count, int) or isinstance(count, bool):
            return 1
        return max(1, min(count, self.size))
