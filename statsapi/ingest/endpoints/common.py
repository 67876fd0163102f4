"""What every endpoint of intake does: it finds out who sends, and counts what came."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from statsapi.http.errors import BAD_DATA, RequestError
from statsapi.ingest.answers import Answer, limited, over_budget, refused
from statsapi.ingest.config import Config, Key, authorized
from statsapi.ingest.counting import count
from statsapi.ingest.credentials import (
    Credentials,
    credentials_of_path,
    credentials_of_request,
    read_project_id,
    required,
)
from statsapi.ingest.request import Request
from statsapi.ingest.submission import Sender, Submission
from tsdb.arrivals import Limited
from tsdb.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Authorized:
    """A sender that may send, and what is known of its project and key."""

    sender: Sender
    config: Config
    key: Key


def credentials_sent(request: Request) -> Credentials | None:
    """Return the credentials in the headers or the query. Raises RequestError as `credentials_of_request` does."""
    return credentials_of_request(request.header("x-sentry-auth"), request.header("authorization"), request.query)


async def authorize_by_path(request: Request) -> Authorized:
    """Return the sender, whose key may stand in the path. Raises RequestError as the functions do that it uses."""
    project, said, key = read_project_id(request.project), credentials_sent(request), request.words.get("key")
    return await authorize(request, project, required(said) if key is None else credentials_of_path(said, key))


async def authorize(request: Request, project: int, credentials: Credentials) -> Authorized:
    """Return the sender. Raises RequestError 403 if it may not send."""
    config, key = await authorized(project, credentials.public_key)
    user_agent = request.header("user-agent") or ""
    return Authorized(Sender(project, credentials.public_key, request.now, request.address, user_agent), config, key)


async def invalid(found: Authorized | None, error: RequestError) -> RequestError:
    """Return the error to raise for bad data, and count it.

    Raises RequestError 401 instead of a 400 if there were no credentials.
    """
    if found is None and error.status == 400:
        required(None)  # raises 401
    if found is not None and error.status in BAD_DATA:
        await count(Submission(found.sender, invalid=error.reason), found.config, found.key)
    return error


async def counted(found: Authorized, submissions: Sequence[Submission], answer: Answer) -> Answer:
    """Count the submissions together, and return the answer, or 429 if the quota or a budget refused one of them.

    If budgets refused only a part of a submission, the answer says so in a header.
    """
    if len(submissions) == 1:
        decisions = [await count(submissions[0], found.config, found.key)]
    else:
        decisions = await asyncio.gather(*(count(one, found.config, found.key) for one in submissions))
    limits: list[Limited] = []
    for submission, (decision, key) in zip(submissions, decisions, strict=True):
        if decision.outcome is Outcome.RATE_LIMITED:
            if decision.is_over_budget:
                event = submission.event
                return over_budget(decision.limits, event.category if event else None)
            return refused(key.quota, found.sender.now, decision.limits)
        limits += decision.limits
    return limited(answer, limits) if limits else answer
