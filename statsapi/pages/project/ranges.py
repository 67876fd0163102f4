"""The buckets that a project's page shows: at which resolution, in whose days, and why not as asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from statsapi.api.errors import BadQuery
from statsapi.api.stats.query import parse_timezone
from statsapi.api.stats.v2_query import Asked, StatsRange, choose_range
from statsapi.pages.project.query import DEFAULT, PageQuery, length_words
from tsdb.rollups import Rollup
from tsdb.timeline import Retention
from tsdb.units import DAY

MOST_POINTS = 1000
FITTING = 750
"""The most buckets of a range for which a resolution is chosen by itself."""
GROUP_BY = ("category", "outcome", "reason", "key_id")


@dataclass(frozen=True)
class Chosen:
    """What is shown: the query, which is the default one if the asked range was too long; the range, and the one before
    it if that was asked for; and a sentence for everything that is not as asked."""

    query: PageQuery
    asked: Asked
    shown: StatsRange
    before: StatsRange | None
    notes: tuple[str, ...]


def choose(query: PageQuery, rollups: Sequence[Rollup], retention: Retention) -> Chosen:
    """Return the range that the page shows. Raises BadQuery if these rollups can make up none."""
    try:
        return _choose(query, rollups, retention)
    except BadQuery as error:
        if query.span is None and query.interval is None:
            raise
        text = f"{error.detail} The last 24 hours are shown."
        seconds = DEFAULT.seconds
        now = -(-retention.now // 10**9)
        calm = replace(
            query,
            preset=DEFAULT,
            span=None,
            start=max(0, now - seconds),
            end=now,
            interval=None,
            problems=(*query.problems, text),
        )
        return _choose(calm, rollups, retention)


def _choose(query: PageQuery, rollups: Sequence[Rollup], retention: Retention) -> Chosen:
    notes: list[str] = []
    interval = query.interval or _fitting(query, rollups, retention)
    zone = parse_timezone(query.zone.name)
    asked = Asked(
        fields=("sum(quantity)",),
        group_by=GROUP_BY,
        start=query.start,
        end=query.end,
        interval=interval,
        projects=frozenset(),
        categories=frozenset(),
        outcomes=frozenset(),
        reasons=frozenset(),
        keys=frozenset(),
        zone=zone,
    )
    try:
        shown = choose_range(asked, rollups, retention)
    except BadQuery as error:
        if zone is None:
            raise
        asked = replace(asked, zone=None)
        shown = choose_range(asked, rollups, retention)
        reason = str(error.detail).partition(" Ask for")[0]
        notes.append(f"Days are those of UTC, not of {query.zone.name}, for a range that begins so early. {reason}")
    if query.interval and shown.interval != query.interval:
        notes.append(
            f"Shown by {length_words(shown.interval)}, because {length_words(query.interval)} is not kept so far back."
        )
    return Chosen(query, asked, shown, None, tuple(notes))


def offered_resolutions(shown: StatsRange, rollups: Sequence[Rollup]) -> list[int]:
    """Return the resolutions at which the same range can be shown, in seconds, finest first."""
    return [
        rollup.seconds
        for rollup in rollups
        if DAY % rollup.seconds == 0
        and (shown.end - shown.start) // rollup.seconds <= MOST_POINTS
        and (shown.start >= shown.retention.since(rollup) or rollup is rollups[-1])
    ]


def _fitting(query: PageQuery, rollups: Sequence[Rollup], retention: Retention) -> int:
    """Return the resolution at which a range is shown by itself, in seconds."""
    if query.span is None:
        return max(query.preset.interval, min(rollups[0].seconds, DAY))
    length = query.end - query.start
    for rollup in rollups:
        start = query.start - query.start % rollup.seconds
        if length // rollup.seconds < FITTING and start >= retention.since(rollup):
            return rollup.seconds
    return min(DAY, rollups[-1].seconds)
