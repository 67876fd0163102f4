"""Reports of Network Error Logging, which browsers send by themselves."""

from __future__ import annotations

from statsapi.http.errors import RequestError, empty_body
from statsapi.http.foreign_json import as_mapping, parse_json
from statsapi.ingest.answers import Answer, identified
from statsapi.ingest.body_limits import STORE_BODY
from statsapi.ingest.credentials import read_project_id, required
from statsapi.ingest.endpoints.common import authorize, counted, credentials_sent, invalid
from statsapi.ingest.request import Request
from statsapi.ingest.submission import Submission
from statsapi.ingest.turns import in_turn
from statsapi.ingest.unpacking import whole_body
from tsdb.outcomes import Category

MOST_REPORTS = 10_000
"""The most reports of one request. They are looked at one by one, at a third of a microsecond each."""


async def nel(request: Request) -> Answer:
    """Count the network errors among the reports, each as a log item."""
    found = await authorize(request, read_project_id(request.project), required(credentials_sent(request)))
    try:
        body = await whole_body(request, *STORE_BODY)
        number = await in_turn(len(body), network_errors, body)
    except RequestError as error:
        raise await invalid(found, error) from None
    items = ((Category.LOG_ITEM, number),) if number else ()
    return await counted(found, [Submission(found.sender, items=items)], identified(None))


def network_errors(body: bytes) -> int:
    """Return how many reports of a list are of a network error. Raises RequestError 400 if there is no list."""
    if not body:
        raise empty_body()
    try:
        reports = parse_json(body)
        if not isinstance(reports, list):
            raise ValueError("expected a list of reports")
    except ValueError as error:
        raise RequestError(400, "invalid JSON data", [str(error)], "invalid_json") from None
    if len(reports) > MOST_REPORTS:
        raise RequestError(400, "invalid JSON data", [f"more than {MOST_REPORTS} reports"], "invalid_json")
    return sum(as_mapping(report).get("type") == "network-error" for report in reports)
