"""Logs and traces of OpenTelemetry, which any of its exporters sends."""

from __future__ import annotations

from statsapi.door import threads
from statsapi.http.errors import RequestError
from statsapi.ingest.answers import Answer, json_answer
from statsapi.ingest.credentials import read_project_id, required
from statsapi.ingest.endpoints.common import authorize, counted, credentials_sent, invalid
from statsapi.ingest.otlp import Signal, in_json, in_protobuf, is_loaded, load
from statsapi.ingest.request import Request
from statsapi.ingest.submission import Submission
from statsapi.ingest.turns import in_turn
from statsapi.ingest.unpacking import whole_body

COST = 32
"""A batch may take so many times as long as other bodies of its length: a resource of two bytes takes 3 µs."""

_PROTOBUF = Answer(200, b"", ((b"content-type", b"application/x-protobuf"),))
"""The answer that nothing was refused: an empty message has no bytes."""


async def logs(request: Request) -> Answer:
    """Count log records."""
    return await _counted(request, Signal.LOGS)


async def traces(request: Request) -> Answer:
    """Count spans."""
    return await _counted(request, Signal.TRACES)


async def _counted(request: Request, signal: Signal) -> Answer:
    found = await authorize(request, read_project_id(request.project), required(credentials_sent(request)))
    is_json = request.media_type == "application/json"
    if not is_json and not is_loaded(signal):
        await threads.in_thread(load, signal)
    try:
        body = await whole_body(request, "INGEST_MAX_ITEM_BYTES", "INGEST_MAX_ITEM_BYTES")
        number = await in_turn(COST * len(body), in_json if is_json else in_protobuf, signal, body)
    except RequestError as error:
        raise await invalid(found, error) from None
    items = ((signal.category, number),) if number else ()
    answer = json_answer({}) if is_json else _PROTOBUF
    return await counted(found, [Submission(found.sender, items=items)], answer)
