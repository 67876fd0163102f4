"""The endpoints that Sentry's SDKs send to (docs/contract.md#intake-endpoints). Only counts are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse

from statsapi.http import clock
from statsapi.http.bodies import drain, read_body, stream_body
from statsapi.http.client_address import client_address
from statsapi.http.errors import BAD_DATA, BodyLimit, RequestError
from statsapi.ingest import counting
from statsapi.ingest.answers import PIXEL, identified, intake_view, new_event_id, refused
from statsapi.ingest.attributes import EventAttributes, event_attributes, read_event
from statsapi.ingest.body_limits import body_limit, envelope_limits
from statsapi.ingest.config import Config, Key, authorized
from statsapi.ingest.credentials import (
    Credentials,
    credentials_of_envelope,
    credentials_of_request,
    read_project_id,
    required,
)
from statsapi.ingest.envelope import Envelope, EnvelopeParser, Item
from statsapi.ingest.events import event_environment, event_id
from statsapi.ingest.filters import first_match
from statsapi.ingest.reports import parse_report
from statsapi.ingest.security import SecurityReport, parse_security_reports, read_query, security_attributes
from statsapi.ingest.store_body import parse_store
from statsapi.postgresql.requests import release_connection
from tsdb.intake import Arrival
from tsdb.outcomes import Category, Outcome
from tsdb.store import Increment


@dataclass(frozen=True, slots=True)
class Sender:
    """Where a request came from, and when: `now` is the request's one clock, whole seconds since the epoch."""

    project: int
    now: int
    ip: str
    user_agent: str
    query: str


@intake_view("POST")
def envelope(request: HttpRequest, project_id: str) -> HttpResponse:
    """Count an envelope. The credentials may be in its header."""
    sender, found = _sender(request, project_id, may_sign_inside=True)
    signed: Credentials | None = None
    sent, unpacked = body_limit("INGEST_MAX_ENVELOPE_BYTES"), body_limit("INGEST_MAX_ENVELOPE_UNPACKED_BYTES")
    try:
        parser = EnvelopeParser(envelope_limits())
        for piece in stream_body(request.META, sent=sent, unpacked=unpacked):
            parser.feed(piece)
            if signed is None and parser.header is not None:
                signed = _signed(sender, found, parser.header.dsn)
        parsed = parser.end()
        credentials = signed or _signed(sender, found, parsed.header.dsn)
        identity = event_id(parsed.header, parsed.event.payload) if parsed.event else parsed.header.event_id
    except RequestError as error:
        raise _invalid(sender, signed or found, error) from None
    # Without an event the id may be of something that is sent in many parts, such as a replay.
    once = identity if any(item.type in _SENT_ONCE for item in parsed.items) else None
    attached, loose = parsed.attached()

    def arrival(config: Config, key: Key) -> Arrival:
        others = [one for item in loose for one in _other(config, key, item, parsed, sender.now)]
        if parsed.event is None:
            return Arrival(once, Outcome.ACCEPTED, others=others)
        payload = parsed.event.payload
        if config.filters.needs_payload:
            attributes = event_attributes(read_event(payload), client_ip=sender.ip, user_agent=sender.user_agent)
            environment = attributes.environment
        else:
            attributes = EventAttributes(client_ip=sender.ip)
            environment = event_environment(parsed.header, payload, credentials.public_key)
        filtered_by = first_match(config.filters, attributes)
        event = counting.Event(once, sender.now, filtered_by, environment, attached)
        return counting.event(config, key, event, others)

    if parsed.event is not None and identity is None:
        identity = new_event_id()
    return _counted(sender, credentials, arrival, identified(identity))


@intake_view("POST", "GET")
def store(request: HttpRequest, project_id: str) -> HttpResponse:
    """Count one event, as old SDKs send it. A GET is answered with an image."""
    sender, found = _sender(request, project_id)
    credentials = required(found)
    try:
        sent, unpacked = body_limit("INGEST_MAX_STORE_BYTES"), body_limit("INGEST_MAX_STORE_UNPACKED_BYTES")
        if request.method == "POST":
            body = read_body(request.META, sent=sent, unpacked=unpacked)
        else:
            body = request.GET.get("sentry_data", "").encode()
        once, category, attributes = _read_store(body, unpacked, sender)
    except RequestError as error:
        raise _invalid(sender, found, error) from None

    def arrival(config: Config, key: Key) -> Arrival:
        if category is not Category.ERROR:
            others = counting.accepted(config, key, category, 1, sender.now)
            return Arrival(once, Outcome.ACCEPTED, others=others)
        filtered_by = first_match(config.filters, attributes)
        return counting.event(config, key, counting.Event(once, sender.now, filtered_by, attributes.environment))

    answer = identified(once or new_event_id())
    if request.method == "GET":
        answer = HttpResponse(PIXEL, "image/gif")
    return _counted(sender, credentials, arrival, answer)


@intake_view("POST")
def security(request: HttpRequest, project_id: str) -> HttpResponse:
    """Count security reports, which browsers send by themselves. Each is an error event without an id.

    The answer is 429 if the quota refused one of them. Each of the others is counted for itself.
    """
    sender, found = _sender(request, project_id)
    credentials = required(found)
    try:
        sent, unpacked = body_limit("INGEST_MAX_STORE_BYTES"), body_limit("INGEST_MAX_STORE_UNPACKED_BYTES")
        reports = parse_security_reports(
            read_body(request.META, sent=sent, unpacked=unpacked), body_limit("INGEST_MAX_ITEMS")
        )
    except RequestError as error:
        raise _invalid(sender, found, error) from None
    answer = identified(new_event_id() if reports else None)
    said = read_query(sender.query)
    for report in reports:
        answer = _counted(sender, credentials, _report_arrival(report, said, sender), answer)
    return answer


# An envelope with one of these is sent once. If its id comes again, the whole envelope is a repeat.
_SENT_ONCE = frozenset({"event", "transaction", "security", "raw_security", "unreal_report", "feedback"})


def _sender(
    request: HttpRequest, project_id: str, *, may_sign_inside: bool = False
) -> tuple[Sender, Credentials | None]:
    """Return the sender, and the credentials of the request, which may send, or None.

    Raises RequestError 401 without credentials, unless they may be inside the body, and 403 if they may not send.
    """
    query = request.META.get("QUERY_STRING", "")
    try:
        sender = Sender(
            project=read_project_id(project_id),
            now=clock.now(request),
            ip=client_address(request),
            user_agent=request.META.get("HTTP_USER_AGENT", ""),
            query=query,
        )
        found = credentials_of_request(
            request.META.get("HTTP_X_SENTRY_AUTH"), request.META.get("HTTP_AUTHORIZATION"), query
        )
        if found:
            authorized(sender.project, found.public_key)  # before the body is read
        elif not may_sign_inside:
            required(found)
    except Exception:
        drain(request.META)
        raise
    return sender, found


def _signed(sender: Sender, found: Credentials | None, dsn: str | None) -> Credentials:
    """Return the credentials of an envelope. Only its header was unpacked so far.

    Raises RequestError 401 if it has none or others than its request, and 403 if they may not send. The body is not
    drained: one that is short enough for that came whole with its header.
    """
    credentials = credentials_of_envelope(found, dsn, sender.project)
    if found is None:
        authorized(sender.project, credentials.public_key)
        release_connection()
    return credentials


def _invalid(sender: Sender, found: Credentials | None, error: RequestError) -> RequestError:
    """Return the error to raise for bad data, and count it. Without credentials a 400 becomes a 401."""
    if found is None and error.status == 400:
        required(found)
    if found is not None and error.status in BAD_DATA:
        counting.count_invalid(sender.project, found.public_key, error, sender.now)
    return error


def _counted(
    sender: Sender, credentials: Credentials, arrival: counting.ArrivalFor, answer: HttpResponse
) -> HttpResponse:
    outcome, key = counting.count(sender.project, credentials.public_key, arrival, sender.now)
    return refused(key.quota, sender.now) if outcome is Outcome.RATE_LIMITED else answer


def _other(config: Config, key: Key, item: Item, parsed: Envelope, now: int) -> list[Increment]:
    """Return what an item counts that is not an error."""
    if item.type == "client_report":
        report = parse_report(item.payload)
        return counting.reported(config, key, report, parsed.header.sent_at, now) if report else []
    if item.category is None or item.category == "error":
        return []
    return counting.accepted(config, key, item.category, item.quantity, now)


def _read_store(body: bytes, unpacked: BodyLimit, sender: Sender) -> tuple[str | None, Category, EventAttributes]:
    """Return the id, the category and the attributes.

    The parsed event can be twenty times as large as its bytes. So it is not kept while the request waits for Redis.
    """
    stored = parse_store(body, unpacked)
    attributes = event_attributes(stored.event, client_ip=sender.ip, user_agent=sender.user_agent)
    return stored.event_id, stored.category, attributes


def _report_arrival(report: SecurityReport, said: Mapping[str, str], sender: Sender) -> counting.ArrivalFor:
    attributes = security_attributes(report, said, client_ip=sender.ip, user_agent=sender.user_agent)

    def arrival(config: Config, key: Key) -> Arrival:
        filtered_by = first_match(config.filters, attributes)
        return counting.event(config, key, counting.Event(None, sender.now, filtered_by, attributes.environment))

    return arrival
