"""Deciding what a submission counts, from the project's keys, filters and budgets. Nothing here asks anybody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from tsdb.arrivals import Arrival, Part, What
from tsdb.budgets import Budget
from tsdb.outcomes import NO_REASON, Category, Outcome
from tsdb.series import Series
from tsdb.store import Increment

QUOTA_REASON = "key_quota"

_FEW_GLOBS = 20

Amount = tuple[Category, int]
"""A category and a quantity."""


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
    filter makes the event filtered. Otherwise it is accepted, unless the quota of the key or a budget of the project
    refuses it. Each outcome counts in its environment.
    """
    event, now = submission.event, submission.sender.now
    items: Sequence[Amount] = submission.items
    parts: list[Part] = []
    if config.budgets and items:
        parts, items = _of_items(submission, config, key.id)
    others = list(_others(submission, items, config.project, key.id))
    if event is None or verdict is None:
        is_all_parts = bool(parts) and not items
        return Arrival(submission.id, Outcome.ACCEPTED, others=others, parts=parts, is_all_parts=is_all_parts)
    quota = key.quota if event.category is Category.ERROR else None

    def alone(outcome: Outcome, reason: str = NO_REASON) -> list[Increment]:
        counted = _of_event(config.project, key.id, event.category, outcome, reason, environment)
        return [Increment(one, now) for one in counted]

    def attached(outcome: Outcome, reason: str = NO_REASON) -> list[Increment]:
        return _increments(event.attached.items(), config.project, key.id, outcome, reason, now)

    if verdict.filtered_by is not None:
        filtered = Outcome.FILTERED, verdict.filtered_by
        counted = alone(*filtered) + attached(*filtered)
        return Arrival(submission.id, Outcome.FILTERED, counted, others=others, parts=parts)
    refused = alone(Outcome.RATE_LIMITED, QUOTA_REASON) + attached(Outcome.RATE_LIMITED, QUOTA_REASON) if quota else ()
    counted, beside = alone(Outcome.ACCEPTED), attached(Outcome.ACCEPTED)
    if config.budgets:
        if beside and (asked := _asks(config.budgets, event.attached.items())):
            parts.insert(0, Part(What.BESIDE, asked, tuple(beside)))
            beside = []
        if asked := _asks(config.budgets, ((event.category, 1),)):
            parts.insert(0, Part(What.EVENT, asked, (*counted, *beside)))
            counted = beside = []
    return Arrival(submission.id, Outcome.ACCEPTED, counted + beside, quota, refused, others, parts)


def _of_items(submission: Submission, config: Config, key: int) -> tuple[list[Part], list[Amount]]:
    """Return the parts that budgets may refuse of what is not the event, and the items that none asks for."""
    amounts: dict[Category, dict[Category, int]] = {}
    for category, quantity in submission.items:
        # The pieces of attachments and their bytes are taken or refused together.
        part = amounts.setdefault(Category.ATTACHMENT if category is Category.ATTACHMENT_ITEM else category, {})
        part[category] = part.get(category, 0) + quantity
    parts: list[Part] = []
    unasked: list[Amount] = []
    for one in amounts.values():
        if asked := _asks(config.budgets, one.items()):
            counted = _increments(one.items(), config.project, key, Outcome.ACCEPTED, NO_REASON, submission.sender.now)
            parts.append(Part(What.ITEM, asked, tuple(counted)))
        else:
            unasked += one.items()
    return parts, unasked


def _asks(budgets: Mapping[str, Sequence[Budget]], amounts: Iterable[Amount]) -> tuple[tuple[Budget, int], ...]:
    """Return the budgets of these categories, each with the amount that it is asked for."""
    return tuple([(budget, amount) for category, amount in amounts for budget in budgets.get(category, ())])


def _increments(
    amounts: Iterable[Amount], project: int, key: int, outcome: Outcome, reason: str, now: int
) -> list[Increment]:
    return [
        Increment(one, now, quantity)
        for category, quantity in amounts
        for one in _of_event(project, key, category, outcome, reason, None)
    ]


def _others(submission: Submission, items: Iterable[Amount], project: int, key: int) -> Iterator[Increment]:
    """Yield what is counted whatever becomes of the event. `items` are those that no budget is asked for."""
    now = submission.sender.now
    if submission.invalid is not None:
        yield from _increments(submission.lost, project, key, Outcome.INVALID, submission.invalid, now)
    yield from _increments(items, project, key, Outcome.ACCEPTED, NO_REASON, now)
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
