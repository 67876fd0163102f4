"""What one request of intake brings, before anybody has decided what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from statsapi.ingest.attributes import EventAttributes
from statsapi.ingest.envelope import EnvelopeHeader
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
    """An error event.

    Either its attributes were read already, or it is the `payload` of an envelope with this `header`. Then they are
    read only if a filter of the project looks at them.

    `attached` holds the number of its parts by category. They share its outcome and reason, because nobody keeps the
    attachments of an event that was filtered or refused.
    """

    attributes: EventAttributes | None = None
    payload: bytes = b""
    header: EnvelopeHeader | None = None
    attached: Mapping[Category, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Submission:
    """What one request brings.

    id: the id under which it is counted once, 32 lower-case hex digits; None if nothing of it has one.
    items: what is accepted whatever becomes of the event, with quantities.
    report: the client report that came with it, and `sent_at`, the time that the envelope says it was sent at.
    invalid: the reason why it cannot be read; then it brings nothing else.
    """

    sender: Sender
    id: str | None = None
    event: Event | None = None
    items: tuple[tuple[Category, int], ...] = ()
    report: ClientReport | None = None
    sent_at: object = None
    invalid: str | None = None
