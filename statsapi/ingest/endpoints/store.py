"""Single events, as old SDKs send them."""

from __future__ import annotations

from urllib.parse import parse_qs

from statsapi.http.errors import RequestError
from statsapi.ingest.answers import Answer, identified, image, new_event_id
from statsapi.ingest.attributes import event_attributes
from statsapi.ingest.body_limits import STORE_BODY, body_limit
from statsapi.ingest.credentials import MOST_QUERY_FIELDS, NO_PROJECT, read_project_id, required
from statsapi.ingest.endpoints.common import authorize, counted, credentials_sent, invalid
from statsapi.ingest.endpoints.envelope import envelope
from statsapi.ingest.event_ids import claim_of
from statsapi.ingest.owners import owner_of
from statsapi.ingest.request import Request
from statsapi.ingest.store_body import most_bytes, parse_store
from statsapi.ingest.submission import Event, Sender, Submission
from statsapi.ingest.turns import in_turn
from statsapi.ingest.unpacking import whole_body


async def store(request: Request) -> Answer:
    """Count one event, as old SDKs send it. A GET is answered with an image.

    An envelope that was sent here is read as one if its Content-Type says so.
    """
    if request.method == "POST" and request.media_type == "application/x-sentry-envelope":
        return await envelope(request)
    found = await authorize(request, read_project_id(request.project), required(credentials_sent(request)))
    try:
        if request.method == "POST":
            body = await whole_body(request, *STORE_BODY)
        else:
            body = _sent_in_query(request.query)
        submission, event_id = await in_turn(most_bytes(body), _of_store, body, found.sender)
    except RequestError as error:
        raise await invalid(found, error) from None
    answer = image() if request.method == "GET" else identified(event_id or new_event_id())
    return await counted(found, [submission], answer)


async def store_of_key(request: Request) -> Answer:
    """Count one event whose address names no project, as the oldest SDKs send it. The key belongs to one."""
    owner = await owner_of(required(credentials_sent(request)).public_key)
    request.project = str(owner or NO_PROJECT)
    return await store(request)


def _of_store(body: bytes, sender: Sender) -> tuple[Submission, str | None]:
    """Return what a store body brings, and the id that it says.

    The parsed event can be twenty times as large as its bytes. So it is not kept while the request waits for Redis.
    """
    stored = parse_store(body, body_limit("INGEST_MAX_STORE_UNPACKED_BYTES"))
    attributes = event_attributes(stored.event, client_ip=sender.ip, user_agent=sender.user_agent)
    event = Event(attributes, category=stored.category)
    return Submission(sender, claim_of(stored.event_id, stored.category), event), stored.event_id


def _sent_in_query(query: str) -> bytes:
    try:
        fields = parse_qs(query, keep_blank_values=True, max_num_fields=MOST_QUERY_FIELDS)
    except ValueError:
        return b""
    return fields.get("sentry_data", [""])[-1].encode()
