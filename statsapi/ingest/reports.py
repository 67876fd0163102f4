"""Client reports, in which an SDK says what it dropped.

    {"timestamp": "2026-…" or epoch seconds, "discarded_events": [{"reason","category","quantity"}, …],
     "rate_limited_events": […], "filtered_events": […]}

Source: Sentry's developer documentation, "Client Reports". What cannot be read is dropped without an error, and the
rest is counted.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeGuard

from statsapi.http.foreign_json import Buffer, as_list, as_mapping, as_text, parse_object
from tsdb.outcomes import LARGEST_QUANTITY, OTHER_REASON, Outcome, category_of, reason_of

# The most rows that are read from the reports of an envelope. SDKs add up equal rows, so they send a few dozen.
MOST_ROWS = 200
# Seconds. A clock that is off by more than this is corrected. Less may be the time that the report was on its way.
LARGEST_DRIFT = 55 * 60

_OUTCOME_OF_LIST = {
    "discarded_events": Outcome.CLIENT_DISCARD,
    "rate_limited_events": Outcome.RATE_LIMITED,
    "filtered_events": Outcome.FILTERED,
}


@dataclass(frozen=True, slots=True)
class ReportRow:
    """The sum of the rows with the same outcome, category and reason."""

    outcome: Outcome  # client_discard, rate_limited or filtered
    category: str
    reason: str
    quantity: int  # at least 1; a row as it was sent has at most 10^9


@dataclass(frozen=True, slots=True)
class ClientReport:
    """A parsed report."""

    timestamp: float | None  # seconds since the epoch by the client's clock, or None
    rows: tuple[ReportRow, ...]
    read: int  # rows as they were sent, bad ones included


def parse_report(payload: Buffer, room: int = MOST_ROWS) -> ClientReport | None:
    """Return the report, of which `room` rows are read, or None if it cannot be read.

    A row with a bad quantity or without a category is left out.
    """
    try:
        report = parse_object(payload)
    except ValueError:
        return None
    totals: Counter[tuple[Outcome, str, str]] = Counter()
    read = 0
    for name, outcome in _OUTCOME_OF_LIST.items():
        rows = as_list(report.get(name))[: room - read]
        read += len(rows)
        for row in map(as_mapping, rows):
            category, quantity = as_text(row.get("category")), row.get("quantity")
            if not category or not _is_quantity(quantity):
                continue
            reason = reason_of(as_text(row.get("reason")) or OTHER_REASON)
            totals[outcome, category_of(category), reason] += quantity
    return ClientReport(
        timestamp=parse_timestamp(report.get("timestamp")),
        rows=tuple(ReportRow(*key, quantity) for key, quantity in totals.items()),
        read=read,
    )


def report_time(timestamp: float | None, sent_at: object, now: float, oldest: float) -> float | None:
    """Return the time at which a report counts, or None if it is older than `oldest`, the first instant that is kept.

    `timestamp` is that of the report, `sent_at` that of the envelope's header as it was sent, and `now` the time of
    arrival. All are seconds since the epoch. If `sent_at` is more than 55 minutes off, the client's clock is wrong, and
    the timestamp is corrected by as much.
    """
    if timestamp is None:
        return now
    sent = parse_timestamp(sent_at)
    if sent is not None and abs(now - sent) > LARGEST_DRIFT:
        timestamp += now - sent
    if timestamp > now:
        return now
    return timestamp if timestamp >= oldest else None


def parse_timestamp(value: object) -> float | None:
    """Return the seconds since the epoch of a number or an ISO 8601 text, or None for anything else.

    A text without a zone is in UTC.
    """
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        seconds = float(value)
    except OverflowError:
        return None
    return seconds if math.isfinite(seconds) else None


def _is_quantity(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LARGEST_QUANTITY
