"""Deciding what an arrival counts, and counting it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from django.conf import settings

from projects import services
from projects.connections import get_store
from projects.lazy import Lazy
from projects.models import Project
from statsapi.http.errors import RequestError
from statsapi.ingest.config import Config, Key, authorized, load_config
from statsapi.ingest.credentials import rejected
from statsapi.ingest.reports import ClientReport, report_time
from statsapi.operations import metrics
from tsdb import series
from tsdb.intake import Arrival, Intake, new_submission
from tsdb.outcomes import NO_REASON, Category, Outcome
from tsdb.store import Increment, ProjectClosed

QUOTA_REASON = "key_quota"


ArrivalFor = Callable[[Config, Key], Arrival]
"""Decides what a request counts, from the project's current keys and filters."""


@dataclass(frozen=True, slots=True)
class Event:
    """An error event that came at `now`, whole seconds since the epoch.

    `attached` holds the number of its parts by category. They share its outcome and reason, because nobody keeps the
    attachments of an event that was filtered or refused.
    """

    id: str | None
    now: int
    filtered_by: str | None
    environment: str | None
    attached: Mapping[Category, int] = field(default_factory=dict)


intake = Lazy(lambda: Intake(get_store(), settings.INGEST_DEDUPE_SECONDS))


def count(project: int, public_key: str, arrival_for: ArrivalFor, now: int) -> tuple[Outcome, Key]:
    """Count the arrival, and return its outcome and the key that sent it.

    Raises RequestError 403 if the project or key may not send, redis.exceptions.RedisError.
    """
    submission = new_submission()
    for _ in range(services.TRIES):
        config, key = authorized(project, public_key)
        try:
            arrival = arrival_for(config, key)
            outcome = intake().count(project, config.version, arrival, submission, now=now)
        except ProjectClosed:
            load_config(project)
        except Project.DoesNotExist:
            raise rejected() from None
        else:
            if arrival.counted:
                metrics.intake_counted(outcome)
            return outcome, key
    raise services.Unsettled("the project's keys or filters change too often")


def count_invalid(project: int, public_key: str, error: RequestError, now: int) -> None:
    """Count a request that could not be read, at `now` (seconds since the epoch). Raises as `count` does."""

    def arrival(config: Config, key: Key) -> Arrival:
        counted = series.of_event(config.project, key.id, Category.ERROR, Outcome.INVALID, reason=error.reason)
        return Arrival(None, Outcome.ACCEPTED, others=[Increment(one, now, 1) for one in counted])

    count(project, public_key, arrival, now)
    metrics.intake_counted(Outcome.INVALID)


def event(config: Config, key: Key, event: Event, others: Sequence[Increment] = ()) -> Arrival:
    """Return the arrival of an event, with `others` that are counted beside it.

    A filter makes it filtered. Otherwise it is accepted, unless the quota of the key refuses it. Each outcome counts in
    its environment.
    """
    environment_id = config.environment_id(event.environment) if event.environment else None

    def under(outcome: Outcome, reason: str = NO_REASON) -> list[Increment]:
        counted = series.of_event(
            config.project, key.id, Category.ERROR, outcome, reason=reason, environment_id=environment_id
        )
        increments = [Increment(one, event.now) for one in counted]
        for category, quantity in event.attached.items():
            beside = series.of_event(config.project, key.id, category, outcome, reason=reason)
            increments += [Increment(one, event.now, quantity) for one in beside]
        return increments

    if event.filtered_by is not None:
        return Arrival(event.id, Outcome.FILTERED, under(Outcome.FILTERED, event.filtered_by), others=others)
    refused = under(Outcome.RATE_LIMITED, QUOTA_REASON) if key.quota else ()
    return Arrival(event.id, Outcome.ACCEPTED, under(Outcome.ACCEPTED), key.quota, refused, others)


def accepted(config: Config, key: Key, category: str, quantity: int, now: int) -> list[Increment]:
    """Return what an accepted item counts that is not an error."""
    counted = series.of_event(config.project, key.id, Category(category), Outcome.ACCEPTED)
    return [Increment(one, now, quantity) for one in counted]


def reported(config: Config, key: Key, report: ClientReport, sent_at: object, now: int) -> list[Increment]:
    """Return what a client report counts, which is nothing if it is older than the longest retention."""
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
