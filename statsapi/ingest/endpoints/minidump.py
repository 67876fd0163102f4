"""Minidumps, which crash reporters such as Crashpad and Breakpad send by themselves."""

from __future__ import annotations

from statsapi.http.errors import RequestError, empty_body
from statsapi.ingest.answers import Answer, identified_in_text, new_event_id
from statsapi.ingest.attributes import event_attributes
from statsapi.ingest.body_limits import ENVELOPE_BODY, body_limit
from statsapi.ingest.crash_form import CrashForm, CrashFormParser, DumpBeginning, event_of
from statsapi.ingest.credentials import read_project_id, required
from statsapi.ingest.endpoints.common import authorize, counted, credentials_sent, invalid
from statsapi.ingest.event_ids import claim_of, read_event_id
from statsapi.ingest.request import Request
from statsapi.ingest.submission import Event, Sender, Submission
from statsapi.ingest.turns import in_turn, one_by_one
from statsapi.ingest.unpacking import unpacked
from tsdb.outcomes import Category

STRETCH = 8 * 1024
"""The bytes of a form that are parsed without a break, within some four milliseconds."""


async def minidump(request: Request) -> Answer:
    """Count one error. The dump is the body or a file in a form, and streams by; other files are attachments.

    The answer is 200 beyond the quota too, because crash reporters send again whatever is refused.
    """
    found = await authorize(request, read_project_id(request.project), required(credentials_sent(request)))
    try:
        form = await _read(request)
        size = sum(len(value) for _, value in form.fields)
        submission, event_id = await in_turn(size, _of_form, form, found.sender)
    except RequestError as error:
        raise await invalid(found, error) from None
    answer = identified_in_text(event_id or new_event_id())
    await counted(found, [submission], answer)
    return answer


async def _read(request: Request) -> CrashForm:
    body = unpacked(request, *ENVELOPE_BODY)
    if request.media_type == "multipart/form-data":
        form = CrashFormParser(request.header("content-type") or "", body_limit("INGEST_MAX_ITEM_BYTES"))
        async for piece in body:
            await _feed(form, piece)
            request.held.now(form.held)
        return form.end()
    beginning, size = DumpBeginning(), 0
    async for piece in body:
        beginning.feed(piece)
        size += len(piece)
    if not size:
        raise empty_body()
    beginning.check()
    return CrashForm((), 0, 0)


async def _feed(form: CrashFormParser, piece: bytes) -> None:
    """Feed the piece. A form of many fields takes milliseconds, so each bit of it waits for its turn."""
    for start in range(0, len(piece), STRETCH):
        stretch = piece[start : start + STRETCH]
        if form.is_quick(stretch):
            form.feed(stretch)
        else:
            await one_by_one(form.feed, stretch)


def _of_form(form: CrashForm, sender: Sender) -> tuple[Submission, str | None]:
    """Return what the form brings, and the event id that it says."""
    event = event_of(form.fields)
    attributes = event_attributes(event, client_ip=sender.ip, user_agent=sender.user_agent)
    attached = {Category.ATTACHMENT: form.file_bytes, Category.ATTACHMENT_ITEM: form.files}
    beside = {category: quantity for category, quantity in attached.items() if quantity}
    event_id = read_event_id(event)
    return Submission(sender, claim_of(event_id, Category.ERROR), Event(attributes, attached=beside)), event_id
