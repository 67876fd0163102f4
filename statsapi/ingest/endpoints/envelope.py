"""Envelopes, which today's SDKs send."""

from __future__ import annotations

from statsapi.http.errors import RequestError
from statsapi.ingest.answers import Answer, identified, new_event_id
from statsapi.ingest.body_limits import ENVELOPE_BODY, body_limit, envelope_limits
from statsapi.ingest.credentials import credentials_of_envelope, read_project_id
from statsapi.ingest.endpoints.common import Authorized, authorize, counted, credentials_sent, invalid
from statsapi.ingest.envelope import EnvelopeParser
from statsapi.ingest.envelope_parts import EnvelopeHeader
from statsapi.ingest.enveloped import submission_of
from statsapi.ingest.request import Request
from statsapi.ingest.turns import in_turn, one_by_one
from statsapi.ingest.unpacking import unpacked

QUICK_HEADERS = 16 * 1024
"""The bytes of items' headers that are parsed at once. Behind more of them the body is parsed in turns, since a hundred
lines of 8 KiB take some 14 ms."""


async def envelope(request: Request) -> Answer:
    """Count an envelope. The credentials may be in its header.

    If a limit is exceeded, what came whole is counted, and the answer is 413.
    """
    project = read_project_id(request.project)
    credentials = credentials_sent(request)
    found = await authorize(request, project, credentials) if credentials else None
    parser = EnvelopeParser(envelope_limits())
    is_signed, refusal = False, None

    async def signed(header: EnvelopeHeader) -> Authorized:
        nonlocal is_signed
        is_signed = True
        said = credentials_of_envelope(credentials, header.dsn, project)
        return found or await authorize(request, project, said)

    try:
        try:
            async for piece in unpacked(request, *ENVELOPE_BODY, reads_on=True):
                if parser.parsed > QUICK_HEADERS:
                    await one_by_one(parser.feed, piece)
                else:
                    parser.feed(piece)
                request.held.now(parser.held)
                if parser.header is not None and not is_signed:
                    found = await signed(parser.header)
            parsed = parser.end()
        except RequestError as error:
            if error.status != 413 or not is_signed:
                raise
            parsed, refusal = parser.cut(), error
        found = found if is_signed and found else await signed(parsed.header)
        if parsed.lost and refusal is None:
            refusal = body_limit("INGEST_MAX_ITEM_BYTES").exceeded("an item")
        submission, event_id = await in_turn(parser.held, submission_of, parsed, found.sender, refusal)
    except RequestError as error:
        raise await invalid(found, error) from None
    if submission.event and event_id is None:
        event_id = new_event_id()
    answer = await counted(found, [submission], identified(event_id))
    if refusal is not None:
        raise refusal
    return answer
