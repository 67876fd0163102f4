"""What an envelope brings: from its items to a submission."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from statsapi.http.errors import RequestError
from statsapi.ingest.envelope_parts import Envelope, Item
from statsapi.ingest.event_ids import claim_of
from statsapi.ingest.events import event_id
from statsapi.ingest.reports import MOST_ROWS, ClientReport, parse_report
from statsapi.ingest.submission import Event, Sender, Submission
from tsdb.outcomes import Category


def submission_of(parsed: Envelope, sender: Sender, refusal: RequestError | None) -> tuple[Submission, str | None]:
    """Return what the envelope brings, and its event id. Raises RequestError 400 for a bad id in the event.

    `refusal` is the error of a limit that was exceeded, or None. Then what came whole counts, and what was lost is
    invalid. If no event came, one may have been lost, so one error is invalid too.
    """
    item, others, attachments = parsed.event, [], dict[Category, int]()
    has_parts = item is not None or parsed.has_lost_event
    for one in parsed.items:
        if has_parts and one.category is Category.ATTACHMENT:
            for kind, quantity in one.counts:
                attachments[kind] = attachments.get(kind, 0) + quantity
        elif one is not item:
            others.append(one)
    lost = [count for one in parsed.lost for count in one.counts]
    event, identity, claim = None, parsed.header.event_id, None
    if item is not None:
        category = Category.TRANSACTION if item.category is Category.TRANSACTION else Category.ERROR
        event = Event(payload=item.payload, header=parsed.header, attached=attachments, category=category)
        identity = event_id(parsed.header, item.payload)
        claim = claim_of(identity, category)
    elif parsed.has_lost_event:
        lost += attachments.items()
    elif refusal is not None:
        lost.append((Category.ERROR, 1))
    if event is None and any(one.type == "feedback" for one in others):
        claim = claim_of(identity, Category.FEEDBACK)
    submission = Submission(
        sender,
        id=claim,
        event=event,
        items=tuple(count for one in others for count in one.counts),
        reports=tuple(_reports(others)),
        sent_at=parsed.header.sent_at,
        invalid=refusal.reason if refusal is not None and lost else None,
        lost=tuple(lost),
    )
    return submission, identity


def _reports(items: Iterable[Item]) -> Iterator[ClientReport]:
    """Yield the client reports that can be read. Up to MOST_ROWS rows are read in all."""
    room = MOST_ROWS
    for item in items:
        report = parse_report(item.payload, room) if item.type == "client_report" and room else None
        if report is not None:
            room -= report.read
            yield report
