"""Check-ins of cron jobs, which a job sends by opening an address."""

from __future__ import annotations

from urllib.parse import parse_qs

from statsapi.http.errors import RequestError
from statsapi.ingest.answers import Answer
from statsapi.ingest.credentials import MOST_QUERY_FIELDS
from statsapi.ingest.endpoints.common import authorize_by_path, counted, invalid
from statsapi.ingest.request import Request
from statsapi.ingest.submission import Submission
from tsdb.outcomes import Category

STATUSES = ("ok", "error", "in_progress")


async def cron(request: Request) -> Answer:
    """Count one check-in. A body, which may configure the monitor, is not read."""
    found = await authorize_by_path(request)
    await request.body.drain()
    if _status(request.query) not in STATUSES:
        cause = f"add ?status= and one of {', '.join(STATUSES)} to the address"
        raise await invalid(found, RequestError(400, "invalid check-in status", [cause], "invalid"))
    return await counted(found, [Submission(found.sender, items=((Category.MONITOR, 1),))], Answer(202, b"{}"))


def _status(query: str) -> str:
    try:
        return parse_qs(query, max_num_fields=MOST_QUERY_FIELDS).get("status", [""])[-1]
    except ValueError:
        return ""
