"""What one request of intake brings, before anybody has decided what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from statsapi.ingest.attributes import EventAttributes
from statsapi.ingest.envelope_parts import EnvelopeHeader
from statsapi.ingest.reports import ClientReport
from tsdb.outcomes import Category


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent a request, and when: `now` is the request's one clock, whole seconds since the epoch."""

    project: int
    public_key: str
    now: int
    ip: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class Event:
    """An event of category error, or a transaction.

    Either its attributes were read already, or it is the `payload` of an envelope with this `header`. Then they are
    read only if a filter of the project looks at them.

    `attached` says how much of other categories is a part of it. That shares its outcome and reason, because nobody
    keeps the attachments of an event that was filtered or refused.
    """

    attributes: EventAttributes | None = None
    payload: bytes = b""
    header: EnvelopeHeader | None = None
    attached: Mapping[Category, int] = field(default_factory=dict)
    category: Category = Category.ERROR


@dataclass(frozen=True, slots=True)
class Submission:
    """What one request brings.

    id: the claim under which it is counted once (event_ids.py); None if nothing of it has one.
    items: what is accepted whatever becomes of the event, unless a budget refuses it, with quantities.
    reports: the client reports that came with it, and `sent_at`, the time that the envelope says it was sent at.
    invalid: the reason why something of it cannot be read, and `lost`, what that was, with quantities.
    """

    sender: Sender
    id: str | None = None
    event: Event | None = None
    items: tuple[tuple[Category, int], ...] = ()
    reports: tuple[ClientReport, ...] = ()
    sent_at: object = None
    invalid: str | None = None
    lost: tuple[tuple[Category, int], ...] = ((Category.ERROR, 1),)
