"""Deciding what a submission counts, from the project's keys and filters. Nothing here asks anybody."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from projects.connections import get_store
from statsapi.ingest.attributes import EventAttributes, event_attributes, event_release, read_event
from statsapi.ingest.config import Config, Key
from statsapi.ingest.events import event_environment
from statsapi.ingest.filters import FilterConfig, first_match, matches_release
from statsapi.ingest.reports import report_time
from statsapi.ingest.submission import Event, Sender, Submission
from tsdb import series
from tsdb.arrivals import Arrival
from tsdb.outcomes import NO_REASON, Category, Outcome
from tsdb.series import Series
from tsdb.store import Increment

QUOTA_REASON = "key_quota"

_FEW_GLOBS = 20


class Verdict(NamedTuple):
    """What the filters say of an event: the one that matches, or None; and the event's environment, or None."""

    filtered_by: str | None
    environment: str | None


def has_many_globs(filters: FilterConfig) -> bool:
    """Return whether `judge` may take long, even for a small event."""
    return len(filters.error_messages) + len(filters.release_versions) > _FEW_GLOBS


def judge(filters: FilterConfig, event: Event, sender: Sender) -> Verdict:
    """Return what the filters say of the event. Only errors have an environment, and all filters but one."""
    attributes = event.attributes
    if event.category is not Category.ERROR:
        if not filters.release_versions:
            return Verdict(None, None)
        release = attributes.release if attributes else event_release(read_event(event.payload))
        return Verdict("release-version" if matches_release(filters, release) else None, None)
    if attributes is None:
        if not filters.needs_payload:
            assert event.header is not None  # noqa: S101 - an event without attributes is of an envelope
            environment = event_environment(event.header, event.payload, sender.public_key)
            return Verdict(first_match(filters, EventAttributes(client_ip=sender.ip)), environment)
        attributes = event_attributes(read_event(event.payload), client_ip=sender.ip, user_agent=sender.user_agent)
    return Verdict(first_match(filters, attributes), attributes.environment)


def arrival_of(
    submission: Submission, config: Config, key: Key, verdict: Verdict | None, environment: int | None
) -> Arrival:
    """Return what the submission counts.

    `verdict` is about its event, if it has one, and `environment` is the id of the event's environment, or None. A
    filter makes the event filtered. Otherwise it is accepted, unless the quota of the key refuses it. Each outcome
    counts in its environment.
    """
    others = list(_others(submission, config.project, key.id))
    event = submission.event
    if event is None or verdict is None:
        return Arrival(submission.id, Outcome.ACCEPTED, others=others)
    now, quota = submission.sender.now, key.quota if event.category is Category.ERROR else None

    def under(outcome: Outcome, reason: str = NO_REASON) -> list[Increment]:
        counted = _of_event(config.project, key.id, event.category, outcome, reason, environment)
        increments = [Increment(one, now) for one in counted]
        for category, quantity in event.attached.items():
            beside = _of_event(config.project, key.id, category, outcome, reason, None)
            increments += [Increment(one, now, quantity) for one in beside]
        return increments

    if verdict.filtered_by is not None:
        return Arrival(submission.id, Outcome.FILTERED, under(Outcome.FILTERED, verdict.filtered_by), others=others)
    refused = under(Outcome.RATE_LIMITED, QUOTA_REASON) if quota else ()
    return Arrival(submission.id, Outcome.ACCEPTED, under(Outcome.ACCEPTED), quota, refused, others)


def _others(submission: Submission, project: int, key: int) -> Iterator[Increment]:
    """Yield what is counted whatever becomes of the event."""
    now = submission.sender.now
    if submission.invalid is not None:
        for category, quantity in submission.lost:
            for one in _of_event(project, key, category, Outcome.INVALID, submission.invalid, None):
                yield Increment(one, now, quantity)
    for category, quantity in submission.items:
        for one in _of_event(project, key, category, Outcome.ACCEPTED, NO_REASON, None):
            yield Increment(one, now, quantity)
    for report in submission.reports:
        at = report_time(report.timestamp, submission.sent_at, now, now - get_store().rollups[-1].span)
        if at is None:  # older than anything that is kept
            continue
        for row in report.rows:
            # Not by _of_event, because whoever has the DSN could fill its memory with made-up words.
            for one in series.of_event(project, key, row.category, row.outcome, reason=row.reason):
                yield Increment(one, max(0, int(at)), row.quantity)


@lru_cache(maxsize=10_000)
def _of_event(
    project: int, key: int, category: Category, outcome: Outcome, reason: str, environment: int | None
) -> tuple[Series, ...]:
    return tuple(series.of_event(project, key, category, outcome, reason=reason, environment_id=environment))
