"""The endpoints that Sentry's SDKs send to (docs/contract.md#intake-endpoints). Only counts are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs

from statsapi.http.errors import BAD_DATA, RequestError
from statsapi.ingest.answers import Answer, identified, image, new_event_id, refused
from statsapi.ingest.attributes import event_attributes
from statsapi.ingest.body_limits import body_limit, envelope_limits
from statsapi.ingest.config import Config, Key, authorized
from statsapi.ingest.counting import count
from statsapi.ingest.credentials import (
    MOST_QUERY_FIELDS,
    Credentials,
    credentials_of_envelope,
    credentials_of_request,
    read_project_id,
    required,
)
from statsapi.ingest.envelope import Envelope, EnvelopeHeader, EnvelopeParser
from statsapi.ingest.events import event_id
from statsapi.ingest.reports import parse_report
from statsapi.ingest.request import Request
from statsapi.ingest.security import parse_security_reports, read_query, security_attributes
from statsapi.ingest.store_body import most_bytes, parse_store
from statsapi.ingest.submission import Event, Sender, Submission
from statsapi.ingest.turns import in_turn
from statsapi.ingest.unpacking import unpacked, whole_body
from tsdb.outcomes import Category, Outcome

_SENT_ONCE = frozenset({"event", "transaction", "security", "raw_security", "unreal_report", "feedback"})
"""An envelope with one of these is sent once. If its id comes again, the whole envelope is a repeat."""


@dataclass(frozen=True, slots=True)
class _Authorized:
    """A sender that may send, and what is known of its project and key."""

    sender: Sender
    config: Config
    key: Key


async def envelope(request: Request) -> Answer:
    """Count an envelope. The credentials may be in its header."""
    project = read_project_id(request.project)
    credentials = _credentials(request)
    found = await _authorize(request, project, credentials) if credentials else None
    parser = EnvelopeParser(envelope_limits())
    is_signed = False

    async def signed(header: EnvelopeHeader) -> _Authorized:
        nonlocal is_signed
        is_signed = True
        said = credentials_of_envelope(credentials, header.dsn, project)
        return found or await _authorize(request, project, said)

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
        raise await _invalid(found, error) from None
    answered = submission.id or parsed.header.event_id or (new_event_id() if submission.event else None)
    return await _counted(found, [submission], identified(answered))


async def store(request: Request) -> Answer:
    """Count one event, as old SDKs send it. A GET is answered with an image."""
    found = await _authorize(request, read_project_id(request.project), required(_credentials(request)))
    try:
        if request.method == "POST":
            body = await whole_body(request, "INGEST_MAX_STORE_BYTES", "INGEST_MAX_STORE_UNPACKED_BYTES")
        else:
            body = _sent_in_query(request.query)
        submission = await in_turn(most_bytes(body), _of_store, body, found.sender)
    except RequestError as error:
        raise await _invalid(found, error) from None
    answer = image() if request.method == "GET" else identified(submission.id or new_event_id())
    return await _counted(found, [submission], answer)


async def security(request: Request) -> Answer:
    """Count security reports, which browsers send by themselves. Each is an error event without an id.

    The answer is 429 if the quota refused one of them. Each of the others is counted for itself.
    """
    found = await _authorize(request, read_project_id(request.project), required(_credentials(request)))
    sender = found.sender
    try:
        body = await whole_body(request, "INGEST_MAX_STORE_BYTES", "INGEST_MAX_STORE_UNPACKED_BYTES")
        reports = await in_turn(len(body), parse_security_reports, body, body_limit("INGEST_MAX_ITEMS"))
    except RequestError as error:
        raise await _invalid(found, error) from None
    said = read_query(request.query)
    attributes = [
        security_attributes(report, said, client_ip=sender.ip, user_agent=sender.user_agent) for report in reports
    ]
    submissions = [Submission(sender, event=Event(one)) for one in attributes]
    return await _counted(found, submissions, identified(new_event_id() if reports else None))


def _credentials(request: Request) -> Credentials | None:
    return credentials_of_request(request.header("x-sentry-auth"), request.header("authorization"), request.query)


async def _authorize(request: Request, project: int, credentials: Credentials) -> _Authorized:
    """Return the sender. Raises RequestError 403 if it may not send."""
    config, key = await authorized(project, credentials.public_key)
    user_agent = request.header("user-agent") or ""
    return _Authorized(Sender(project, credentials.public_key, request.now, request.address, user_agent), config, key)


async def _invalid(found: _Authorized | None, error: RequestError) -> RequestError:
    """Return the error to raise for bad data, and count it. Without credentials a 400 becomes a 401."""
    if found is None and error.status == 400:
        required(None)
    if found is not None and error.status in BAD_DATA:
        await count(Submission(found.sender, invalid=error.reason), found.config, found.key)
    return error


async def _counted(found: _Authorized, submissions: Sequence[Submission], answer: Answer) -> Answer:
    """Count the submissions together, and return the answer, or 429 if the quota refused one of them."""
    if len(submissions) == 1:
        counted = [await count(submissions[0], found.config, found.key)]
    else:
        counted = await asyncio.gather(*(count(one, found.config, found.key) for one in submissions))
    for outcome, key in counted:
        if outcome is Outcome.RATE_LIMITED:
            return refused(key.quota, found.sender.now)
    return answer


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


def _of_store(body: bytes, sender: Sender) -> Submission:
    """Return what a store body brings.

    The parsed event can be twenty times as large as its bytes. So it is not kept while the request waits for Redis.
    """
    stored = parse_store(body, body_limit("INGEST_MAX_STORE_UNPACKED_BYTES"))
    if stored.category is not Category.ERROR:
        return Submission(sender, stored.event_id, items=((stored.category, 1),))
    attributes = event_attributes(stored.event, client_ip=sender.ip, user_agent=sender.user_agent)
    return Submission(sender, stored.event_id, Event(attributes))


def _sent_in_query(query: str) -> bytes:
    try:
        fields = parse_qs(query, keep_blank_values=True, max_num_fields=MOST_QUERY_FIELDS)
    except ValueError:
        return b""
    return fields.get("sentry_data", [""])[-1].encode()
