"""Client reports: what an SDK says it dropped by itself.

    {"timestamp": "2026-…" or epoch seconds, "discarded_events": [{"reason","category","quantity"}, …],
     "rate_limited_events": […], "filtered_events": […]}

Source: Sentry's developer documentation, "Client Reports". A report is a courtesy: what cannot be read is
dropped, in silence, and the rest is counted.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeGuard

from statsapi.http.foreign_json import Buffer, as_list, as_mapping, as_text, parse_object
from tsdb.outcomes import CATEGORY_NAMES, LARGEST_QUANTITY, OTHER_REASON, Category, Outcome, known_reason

# Rows read of one report. SDKs add up what is alike, which leaves them a few dozen.
MOST_ROWS = 200
# A client's clock is corrected when it is off by more than this; less may be the time the report was on its
# way.
LARGEST_DRIFT = 55 * 60

_OUTCOME_OF_LIST = {
    "discarded_events": Outcome.CLIENT_DISCARD,
    "rate_limited_events": Outcome.RATE_LIMITED,
    "filtered_events": Outcome.FILTERED,
}


@dataclass(frozen=True, slots=True)
class ReportRow:
    outcome: Outcome  # client_discard, rate_limited or filtered
    category: Category
    reason: str  # one that is told apart, or "other", so that no client can make up series without end
    quantity: int  # at least 1; each row as sent is at most 10^9, rows that are alike are added up


@dataclass(frozen=True, slots=True)
class ClientReport:
    timestamp: float | None  # epoch seconds by the client's clock; None where it does not say
    rows: tuple[ReportRow, ...]


def parse_report(payload: Buffer) -> ClientReport | None:
    """The report; None where it cannot be read at all. A row with a bad quantity or an unknown category is left out."""
    try:
        report = parse_object(payload)
    except ValueError:
        return None
    totals: Counter[tuple[Outcome, Category, str]] = Counter()
    room = MOST_ROWS
    for name, outcome in _OUTCOME_OF_LIST.items():
        rows = as_list(report.get(name))[:room]
        room -= len(rows)
        for row in map(as_mapping, rows):
            category, quantity = CATEGORY_NAMES.get(as_text(row.get("category"))), row.get("quantity")
            if category is None or not _is_quantity(quantity):
                continue
            reason = known_reason(as_text(row.get("reason")) or OTHER_REASON)
            totals[outcome, category, reason] += quantity
    return ClientReport(
        timestamp=parse_timestamp(report.get("timestamp")),
        rows=tuple(ReportRow(*key, quantity) for key, quantity in totals.items()),
    )


def report_time(timestamp: float | None, sent_at: object, now: float, oldest: float) -> float | None:
    """When to count a report; None: never, it is older than what is kept.

    timestamp: of the report. sent_at: of the envelope's header, as sent. now: when it was received. oldest:
    the first instant still kept. All in epoch seconds. A client whose `sent_at` is more than 55 minutes off
    has a wrong clock, and its timestamp is as wrong.
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
    """Epoch seconds of a number or an ISO 8601 text, without a zone in UTC; None for anything else."""
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
