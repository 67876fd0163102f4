"""The table of an organization's projects: its rows in their order, and what stands in each cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.utils.safestring import SafeString

from projects.selectors import ProjectName
from projects.sparkline import sparkline
from statsapi.api.stats.v2_range import StatsRange
from statsapi.pages.organization import words
from statsapi.pages.organization.asked import Asked, Column
from statsapi.pages.organization.numbers import Change, Counts, Overview
from tsdb.newest import Newest
from tsdb.outcomes import Outcome

MOST_BARS = 30
"""The most bars of a sparkline. More would be thinner than two pixels."""

Cells = Mapping[str, object]
"""What a template reads of a card or a head."""


_ARROWS = {
    "up": SafeString('<span aria-hidden="true">▲ </span><span class="visually-hidden">louder: </span>'),
    "down": SafeString('<span aria-hidden="true">▼ </span><span class="visually-hidden">quieter: </span>'),
    "": "",
}


class Row(NamedTuple):
    """A project in the table. `keys` has what each column is sorted by; None comes last in any order."""

    project: ProjectName
    counts: Counts
    keys: Mapping[Column, int | None]

    @property
    def amounts(self) -> list[int]:
        """The numbers of events in the row."""
        return [self.keys[column] or 0 for column in (Column.RECEIVED, Column.CHANGE, Column.ACCEPTED, Column.DROPPED)]


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


def render_rows(rows: Iterable[Row], overview: Overview, asked: Asked, zone: ZoneInfo, base: str) -> SafeString:
    """Return the rows as HTML. `base` is the address of the organization's page.

    This is no template, because 500 rows of one take longer than all the rest of the page. Every text that somebody
    typed goes through `escape`. All other parts are numbers and words of this package.
    """
    period = overview.answered
    size = -(-period.points // MOST_BARS)
    every = words.length(size * period.interval)
    query = escape(asked.in_project)
    parts = []
    for project, counts, keys in rows:
        hidden = "" if asked.finds(project.name, project.slug) else " hidden"
        sorted_by = ",".join(["" if key is None else str(key) for key in keys.values()])
        parts.append(
            f'<tr data-keys="{sorted_by}"{hidden}><th scope="row" class="name">'
            f'<a href="{base}{escape(project.slug)}/{query}">{escape(project.name)}</a>{_slug(project)}</th>'
            f'<td class="trend">{_trend(counts.received, size, every)}</td>'
            f'<td class="number received">{words.number(keys[Column.RECEIVED] or 0)}</td>'
            f"{_change(counts.change, period)}"
            f'<td class="number accepted">{words.number(counts.of(Outcome.ACCEPTED))}</td>'
            f"{_dropped(counts, keys[Column.DROPPED] or 0)}"
            f'<td class="number last">{_last(overview.newest.get(project.id), zone, period.now)}</td></tr>\n'
        )
    return SafeString("".join(parts))


def change_cell(change: Change | None, period: StatsRange) -> Cells | None:
    """Return what is shown of a change; None if there is none to show."""
    if change is None or change.now == change.before == 0:
        return None
    difference = change.difference
    direction = "up" if difference > 0 else "down" if difference < 0 else ""
    return {
        "direction": direction,
        "arrow": _ARROWS[direction],
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
                "label": words.OUTCOME_WORDS[outcome].capitalize(),
                "swatch": outcome.value,
                "count": words.number(total.of(outcome)),
                "exact": f"{total.of(outcome):,}",
            }
            for outcome in shown
        ),
    ]


def _slug(project: ProjectName) -> str:
    """Return the slug if the name does not tell it."""
    slug = project.slug
    if project.name.lower().replace(" ", "-") == slug:
        return ""
    return f' <span class="quiet">{escape(slug)}</span>'


def _trend(received: Sequence[int], size: int, every: str) -> str:
    """Return the sparkline of the range, one bar for `size` intervals. The last bar has the interval still open."""
    bars = received
    if size > 1:
        first = len(received) % size or size
        starts = [0, *range(first, len(received), size)]
        bars = [sum(received[start:end]) for start, end in zip(starts, [*starts[1:], len(received)], strict=True)]
    return sparkline(bars, title=f"Received by {every}; the most: {max(bars):,}")


def _change(change: Change | None, period: StatsRange) -> str:
    if change is None:
        return '<td class="number change quiet">not kept</td>'
    cell = change_cell(change, period)
    if cell is None:
        return (
            '<td class="number change"><span aria-hidden="true">–</span>'
            '<span class="visually-hidden">nothing in both</span></td>'
        )
    return (
        f'<td class="number change {cell["direction"]}" title="{cell["both"]}">'
        f"{cell['arrow']}{cell['difference']} <small>{cell['percent']}</small></td>"
    )


def _dropped(counts: Counts, dropped: int) -> str:
    if not dropped:
        return '<td class="number dropped">0</td>'
    why = ", ".join(
        [
            f"{count:,} {words.OUTCOME_WORDS[outcome]}"
            for outcome, count in counts.outcomes.items()
            if count and outcome is not Outcome.ACCEPTED
        ]
    )
    return (
        f'<td class="number dropped" title="{why}">{words.number(dropped)}'
        f'<span class="visually-hidden">: {why}</span></td>'
    )


def _last(newest: Newest | None, zone: ZoneInfo, now: int) -> str:
    if newest is None:
        return '<span class="quiet">never</span>'
    return (
        f'<time datetime="{words.machine_time(newest.start)}" title="{words.exactly(newest, zone)}">'
        f"{words.ago(max(0, now - newest.start))}</time>"
    )
