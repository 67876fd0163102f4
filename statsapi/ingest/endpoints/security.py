"""Security reports, which browsers send by themselves."""

from __future__ import annotations

from statsapi.http.errors import RequestError
from statsapi.ingest.answers import Answer, identified, new_event_id
from statsapi.ingest.body_limits import STORE_BODY, body_limit
from statsapi.ingest.credentials import read_project_id, required
from statsapi.ingest.endpoints.common import authorize, counted, credentials_sent, invalid
from statsapi.ingest.request import Request
from statsapi.ingest.security import is_list, parse_security_reports, read_query, security_attributes
from statsapi.ingest.submission import Event, Submission
from statsapi.ingest.turns import in_turn
from statsapi.ingest.unpacking import whole_body


async def security(request: Request) -> Answer:
    """Count security reports, which browsers send by themselves. Each is an error event without an id.

    A report by itself that the quota refuses is answered with 429. A list of the Reporting API never is, because a
    browser would send the whole list again, and the reports that were accepted would count twice.
    """
    found = await authorize(request, read_project_id(request.project), required(credentials_sent(request)))
    sender = found.sender
    try:
        body = await whole_body(request, *STORE_BODY)
        reports = await in_turn(len(body), parse_security_reports, body, body_limit("INGEST_MAX_ITEMS"))
    except RequestError as error:
        raise await invalid(found, error) from None
    said = read_query(request.query)
    attributes = [
        security_attributes(report, said, client_ip=sender.ip, user_agent=sender.user_agent) for report in reports
    ]
    submissions = [Submission(sender, event=Event(one)) for one in attributes]
    answer = identified(new_event_id() if reports else None)
    by_quota = await counted(found, submissions, answer)
    return answer if is_list(body) else by_quota
