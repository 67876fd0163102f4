"""Check-ins of cron jobs, which a job sends by opening an address, or with a body that configures the monitor too."""

from __future__ import annotations

from urllib.parse import parse_qs

from statsapi.http.errors import RequestError
from statsapi.http.foreign_json import parse_object
from statsapi.ingest.answers import Answer
from statsapi.ingest.body_limits import STORE_BODY
from statsapi.ingest.credentials import MOST_QUERY_FIELDS
from statsapi.ingest.endpoints.common import authorize_by_path, counted, invalid
from statsapi.ingest.request import Request
from statsapi.ingest.submission import Submission
from statsapi.ingest.turns import in_turn
from statsapi.ingest.unpacking import whole_body
from tsdb.outcomes import Category

STATUSES = ("ok", "error", "in_progress")


async def cron(request: Request) -> Answer:
    """Count one check-in. Its status is in the query, or else in the body, of which nothing else is read."""
    found = await authorize_by_path(request)
    status: object = _in_query(request.query)
    try:
        if status is None:
            body = await whole_body(request, *STORE_BODY)
            status = await in_turn(len(body), _in_body, body)
        else:
            await request.body.drain()
        if status not in STATUSES:
            cause = f'add ?status= and one of {", ".join(STATUSES)} to the address, or send {{"status": "ok"}}'
            raise RequestError(400, "invalid check-in status", [cause], "invalid")
    except RequestError as error:
        raise await invalid(found, error) from None
    return await counted(found, [Submission(found.sender, items=((Category.MONITOR, 1),))], Answer(202, b"{}"))


def _in_query(query: str) -> str | None:
    try:
        values = parse_qs(query, max_num_fields=MOST_QUERY_FIELDS).get("status")
    except ValueError:
        return ""
    return values[-1] if values else None


def _in_body(body: bytes) -> object:
    try:
        return parse_object(body).get("status")
    except ValueError:
        return None
