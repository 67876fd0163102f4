"""Envelopes, which today's SDKs send."""

from __future__ import annotations

from statsapi.http.errors import RequestError
from statsapi.ingest.answers import Answer, identified, new_event_id
from statsapi.ingest.body_limits import envelope_limits
from statsapi.ingest.credentials import credentials_of_envelope, read_project_id
from statsapi.ingest.endpoints.common import Authorized, authorize, counted, credentials_sent, invalid
from statsapi.ingest.envelope import Envelope, EnvelopeHeader, EnvelopeParser
from statsapi.ingest.events import event_id
from statsapi.ingest.reports import parse_report
from statsapi.ingest.request import Request
from statsapi.ingest.submission import Event, Sender, Submission
from statsapi.ingest.turns import in_turn
from statsapi.ingest.unpacking import unpacked
from tsdb.outcomes import Category

_SENT_ONCE = frozenset({"event", "transaction", "security", "raw_security", "unreal_report", "feedback"})
"""An envelope with one of these is sent once. If its id comes again, the whole envelope is a repeat."""


async def envelope(request: Request) -> Answer:
    """Count an envelope. The credentials may be in its header."""
    project = read_project_id(request.project)
    credentials = credentials_sent(request)
    found = await authorize(request, project, credentials) if credentials else None
    parser = EnvelopeParser(envelope_limits())
    is_signed = False

    async def signed(header: EnvelopeHeader) -> Authorized:
        nonlocal is_signed
        is_signed = True
        said = credentials_of_envelope(credentials, header.dsn, project)
        return found or await authorize(request, project, said)

    try:
        async for piece in unpacked(request, "INGEST_MAX_ENVELOPE_BYTES", "INGEST_MAX_ENVELOPE_UNPACKED_BYTES"):
            parser.feed(piece)
            request.held.now(parser.held)
            if parser.header is not None and not is_signed:
                found = await signed(parser.header)
        parsed = parser.end()
        found = found if is_signed and found else await signed(parsed.header)
        submission = await in_turn(parser.held, _of_envelope, parsed, found.sender)
    except RequestError as error:
        raise await invalid(found, error) from None
    answered = submission.id or parsed.header.event_id or (new_event_id() if submission.event else None)
    return await counted(found, [submission], identified(answered))


def _of_envelope(parsed: Envelope, sender: Sender) -> Submission:
    event, (attached, loose) = parsed.event, parsed.attached()
    identity = event_id(parsed.header, event.payload) if event else parsed.header.event_id
    # Without an event the id may be of something that is sent in many parts, such as a replay.
    is_sent_once = any(item.type in _SENT_ONCE for item in parsed.items)
    report = next((parse_report(item.payload) for item in loose if item.type == "client_report"), None)
    return Submission(
        sender,
        identity if is_sent_once else None,
        Event(payload=event.payload, header=parsed.header, attached=attached) if event else None,
        tuple((item.category, item.quantity) for item in loose if item.category not in (None, Category.ERROR)),
        report,
        parsed.header.sent_at,
    )
