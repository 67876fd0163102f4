"""Counting submissions: from what a request brings to its outcome."""

from __future__ import annotations

from asyncio import get_running_loop

from django.conf import settings

from projects import services
from projects.connections import get_store, server_of
from projects.lazy import Lazy
from projects.models import Project
from statsapi.door import threads
from statsapi.ingest.config import Config, Key, authorized_now
from statsapi.ingest.deciding import arrival_of, has_many_globs, judge
from statsapi.ingest.owners import refusal
from statsapi.ingest.submission import Submission
from statsapi.ingest.together import Together
from statsapi.ingest.turns import in_turn
from statsapi.operations import metrics
from tsdb.arrivals import Arrival, Decision, Sent, new_submission
from tsdb.intake import Intake
from tsdb.outcomes import Category, Outcome
from tsdb.store import ProjectClosed

intake = Lazy(lambda: Intake(get_store(), settings.INGEST_DEDUPE_SECONDS))

_together: Together | None = None


def together() -> Together:
    """Return what counts arrivals for the running loop."""
    global _together
    if _together is None or _together.loop is not get_running_loop():
        if _together is not None:
            _together.close()
        _together = Together(intake, server_of)
    return _together


async def count(submission: Submission, config: Config, key: Key) -> tuple[Decision, Key]:
    """Count the submission, whose key may send. Return what became of it, and the key as it is now.

    Raises RequestError 403 if the key may not send any more,
    redis.exceptions.RedisError, django.db.DatabaseError.
    """
    token, sender = new_submission(), submission.sender
    for _ in range(services.TRIES):
        try:
            arrival = await _decide(submission, config, key)
            decision = await together().count(Sent(config.project, config.version, arrival, token, sender.now))
        except ProjectClosed:  # another version: the keys, filters or budgets have changed
            config, key = await authorized_now(config.project, sender.public_key)
        except Project.DoesNotExist:
            raise await refusal(config.project, sender.public_key, is_disabled=False) from None
        else:
            event = submission.event
            if event is not None and event.category is Category.ERROR:
                metrics.intake_counted(decision.outcome)
            elif submission.invalid is not None:
                metrics.intake_counted(Outcome.INVALID)
            return decision, key
    raise services.Unsettled("the project's keys, filters or budgets change too often")


async def _decide(submission: Submission, config: Config, key: Key) -> Arrival:
    event = submission.event
    if event is None:
        return arrival_of(submission, config, key, None, None)
    if has_many_globs(config.filters):
        # Between two globs the thread lets the loop go on.
        verdict = await threads.in_thread(judge, config.filters, event, submission.sender)
    else:
        verdict = await in_turn(len(event.payload), judge, config.filters, event, submission.sender)
    name = verdict.environment
    environment = await config.environment_id(name) if name else None
    return arrival_of(submission, config, key, verdict, environment)
