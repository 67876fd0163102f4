"""From what a request brought to what is counted."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache

from django.conf import settings
from redis.exceptions import RedisError

from projects.connections import get_store
from projects.models import Project
from statsapi import metrics
from statsapi.ingest.config import Config, Key, authorized, load_config
from statsapi.ingest.credentials import rejected
from statsapi.ingest.errors import IntakeError
from statsapi.ingest.reports import ClientReport, report_time
from tsdb import series
from tsdb.intake import Arrival, Intake
from tsdb.outcomes import Category, Outcome
from tsdb.store import Increment, ProjectClosed

TRIES = 5
"""A project whose keys or filters change so often between two tries is answered 503."""

QUOTA_REASON = "key_quota"

_INVALID_REASONS = {
    "empty request body": "empty",
    "invalid JSON data": "invalid_json",
    "invalid event envelope": "invalid_envelope",
    "invalid event id": "invalid_event_id",
    "failed to read request body": "invalid_body",
    "failed to decode request body": "invalid_body",
}


class Unsettled(RedisError):
    """The project changed under every try."""


ArrivalFor = Callable[[Config, Key], Arrival]
"""What is to be counted, made of the project's keys and filters as they are."""


@cache
def intake() -> Intake:
    return Intake(get_store(), settings.INGEST_DEDUPE_SECONDS)


def count(project: int, public_key: str, arrival_for: ArrivalFor, now: int) -> tuple[Outcome, Key]:
    """Counts the arrival; returns its outcome and the key that sent it.

    Raises IntakeError 403 for a project or key that may not send, redis.exceptions.RedisError.
    """
    for _ in range(TRIES):
        config, key = authorized(project, public_key)
        try:
            arrival = arrival_for(config, key)
            outcome = intake().count(project, config.version, arrival, now=now)
        except ProjectClosed:
            load_config(project)
        except Project.DoesNotExist:
            raise rejected() from None
        else:
            if arrival.series:
                metrics.intake_counted(outcome)
            return outcome, key
    raise Unsettled("the project's keys or filters change too often")


def count_invalid(project: int, public_key: str, error: IntakeError) -> None:
    """Counts a request that could not be read, for a key that may send."""
    reason = "too_large" if error.status == 413 else _INVALID_REASONS.get(error.detail, "other")
    now = int(time.time())

    def arrival(config: Config, key: Key) -> Arrival:
        counted = series.of_event(config.project, key.id, Category.ERROR, Outcome.INVALID, reason=reason)
        return Arrival(None, Outcome.ACCEPTED, others=[Increment(one, now, 1) for one in counted])

    count(project, public_key, arrival, now)
    metrics.intake_counted(Outcome.INVALID)


def event(
    config: Config,
    key: Key,
    *,
    event_id: str | None,
    filtered_by: str | None,
    environment: str | None,
    others: list[Increment],
) -> Arrival:
    """An error: filtered by that filter, or accepted in that environment unless the key's quota refuses it."""
    if filtered_by is not None:
        counted = series.of_event(config.project, key.id, Category.ERROR, Outcome.FILTERED, reason=filtered_by)
        return Arrival(event_id, Outcome.FILTERED, counted, others=others)
    counted = series.of_event(
        config.project,
        key.id,
        Category.ERROR,
        Outcome.ACCEPTED,
        environment_id=config.environment_id(environment) if environment else None,
    )
    if key.quota is None:
        return Arrival(event_id, Outcome.ACCEPTED, counted, others=others)
    refusal = series.of_event(config.project, key.id, Category.ERROR, Outcome.RATE_LIMITED, reason=QUOTA_REASON)
    return Arrival(event_id, Outcome.ACCEPTED, counted, key.quota, refusal, others)


def accepted(config: Config, key: Key, category: str, quantity: int, now: int) -> list[Increment]:
    """Something that is no error."""
    counted = series.of_event(config.project, key.id, Category(category), Outcome.ACCEPTED)
    return [Increment(one, now, quantity) for one in counted]


def reported(config: Config, key: Key, report: ClientReport, sent_at: object, now: int) -> list[Increment]:
    """What a client says that it did not send; nothing where that is too long ago to be kept."""
    at = report_time(report.timestamp, sent_at, now, now - get_store().rollups[-1].span)
    if at is None:
        return []
    return [
        Increment(one, max(0, int(at)), row.quantity)
        for row in report.rows
        for one in series.of_event(
            config.project, key.id, Category(row.category), Outcome(row.outcome), reason=row.reason
        )
    ]
