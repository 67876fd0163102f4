"""Crashes of games made with Unreal Engine, whose crash reporter sends them by itself."""

from __future__ import annotations

from statsapi.http.errors import RequestError, empty_body
from statsapi.ingest.answers import Answer, identified_in_text, new_event_id
from statsapi.ingest.attributes import EventAttributes
from statsapi.ingest.body_limits import ENVELOPE_BODY
from statsapi.ingest.endpoints.common import authorize_by_path, counted, invalid
from statsapi.ingest.request import Request
from statsapi.ingest.submission import Event, Submission
from statsapi.ingest.unpacking import unpacked


async def unreal(request: Request) -> Answer:
    """Count one error. The crash is not looked into, and streams by.

    The answer is 200 beyond the quota too, because crash reporters send again whatever is refused.
    """
    found = await authorize_by_path(request)
    size = 0
    try:
        async for piece in unpacked(request, *ENVELOPE_BODY):
            size += len(piece)
        if not size:
            raise empty_body()
    except RequestError as error:
        raise await invalid(found, error) from None
    answer = identified_in_text(new_event_id())
    await counted(found, [Submission(found.sender, event=Event(EventAttributes(client_ip=found.sender.ip)))], answer)
    return answer
