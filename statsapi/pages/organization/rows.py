"""The table of an organization's projects: its rows in their order, and what stands in each cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.utils.safestring import SafeString

from projects.selectors import ProjectName
from projects.sparkline import sparkline
from statsapi.api.stats.v2_query import StatsRange
from statsapi.pages.organization import words
from statsapi.pages.organization.asked import Asked, Column
from statsapi.pages.organization.numbers import Change, Counts, Overview
from tsdb.outcomes import Outcome

MOST_BARS = 30
"""The most bars of a sparkline. More would be thinner than two pixels."""

Cells = Mapping[str, object]
"""What the template reads of a row, a card or a head."""


class Row(NamedTuple):
    """A project in the table. `keys` has what each column is sorted by; None comes last in any order."""

    project: ProjectName
    counts: Counts
    keys: Mapping[Column, int | None]


def make_rows(projects: Sequence[ProjectName], overview: Overview, asked: Asked) -> list[Row]:
    """Return a row for each project, in the order that is asked for. Equal rows are in the order of their names."""
    by_name = sorted(projects, key=lambda project: (project.name.lower(), project.slug))
    rows = []
    for place, project in enumerate(by_name):
        counts, newest = overview.counts[project.id], overview.newest.get(project.id)
        keys = {
            Column.NAME: place,
            Column.RECEIVED: sum(counts.received),
            Column.CHANGE: counts.change.difference if counts.change else None,
            Column.ACCEPTED: counts.of(Outcome.ACCEPTED),
            Column.DROPPED: counts.dropped,
            Column.LAST: newest.start if newest else None,
        }
        rows.append(Row(project, counts, keys))
    known = [row for row in rows if row.keys[asked.sort] is not None]
    known.sort(key=lambda row: row.keys[asked.sort] or 0, reverse=asked.descending)
    return known + [row for row in rows if row.keys[asked.sort] is None]


def cells(rows: Iterable[Row], overview: Overview, asked: Asked, zone: ZoneInfo, base: str) -> list[Cells]:
    """Return the cells of each row. `base` is the address of the organization's page."""
    period = overview.answered
    size = -(-period.points // MOST_BARS)
    every = words.length(size * period.interval)
    return [
        {
            "url": f"{base}{row.project.slug}/",
            "name": row.project.name,
            "slug": row.project.slug,
            "hidden": not asked.finds(row.project.name, row.project.slug),
            "keys": ",".join("" if key is None else str(key) for key in row.keys.values()),
            "trend": _trend(row.counts.received, size, every),
            "received": words.number(sum(row.counts.received)),
            "change": change_cell(row.counts.change, period),
            "accepted": words.number(row.counts.of(Outcome.ACCEPTED)),
            "dropped": words.number(row.counts.dropped),
            "why": ", ".join(
                f"{count:,} {words.outcome_words(outcome)}"
                for outcome, count in row.counts.outcomes.items()
                if count and outcome is not Outcome.ACCEPTED
            ),
            **_last(overview, row.project.id, zone),
        }
        for row in rows
    ]


def change_cell(change: Change | None, period: StatsRange) -> Cells | None:
    """Return what the template reads of a change; None if the range before is not kept."""
    if change is None:
        return None
    difference = change.difference
    return {
        "nothing": change.now == change.before == 0,
        "direction": "up" if difference > 0 else "down" if difference < 0 else "",
        "difference": words.signed(difference),
        "percent": words.percent(change),
        "both": words.compared(change, period.interval, period.points),
    }


def totals(overview: Overview) -> list[Cells]:
    """Return the cards above the table. An outcome that only a gateway counts is there if it has events."""
    total, period = overview.total, overview.answered
    usual = (Outcome.ACCEPTED, Outcome.FILTERED, Outcome.RATE_LIMITED, Outcome.CLIENT_DISCARD, Outcome.INVALID)
    shown = [*usual, *(outcome for outcome in Outcome if outcome not in usual and total.of(outcome))]
    received = sum(total.received)
    return [
        {
            "label": "Received",
            "count": words.number(received),
            "exact": f"{received:,}",
            "change": change_cell(total.change, period),
        },
        *(
            {
                "label": words.outcome_words(outcome).capitalize(),
                "swatch": outcome.value,
                "count": words.number(total.of(outcome)),
                "exact": f"{total.of(outcome):,}",
            }
            for outcome in shown
        ),
    ]


def _trend(received: Sequence[int], size: int, every: str) -> SafeString:
    """Return the sparkline of the range, one bar for `size` intervals. The last bar has the interval still open."""
    first = len(received) % size
    starts = [0, *range(first, len(received), size)] if first else range(0, len(received), size)
    bars = [sum(received[start : start + size if start or not first else first]) for start in starts]
    # No text of it is typed by anybody.
    return SafeString(sparkline(bars, title=f"Received by {every}; the most: {max(bars):,}"))


def _last(overview: Overview, project: int, zone: ZoneInfo) -> Cells:
    newest = overview.newest.get(project)
    if newest is None:
        return {"last": ""}
    age = max(0, overview.answered.now - newest.start)
    return {
        "last": words.ago(age),
        "last_machine": words.machine_time(newest.start),
        "last_exactly": words.exactly(newest, zone),
    }
