"""The buckets that a project's page shows: at which resolution, in whose days, and why not as asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from projects.durations import length_words
from statsapi.api.errors import BadQuery
from statsapi.api.stats.query import parse_timezone
from statsapi.api.stats.v2_query import Asked
from statsapi.api.stats.v2_range import MAX_INTERVALS, StatsRange, choose_range
from statsapi.pages.project.query import DEFAULT, PageQuery
from tsdb.local_days import day_start, days_between
from tsdb.rollups import Rollup
from tsdb.timeline import Retention
from tsdb.units import DAY, NS

FITTING = 750
"""The most buckets of a range for which a resolution is chosen by itself: 30 days of hours are below it."""
GROUP_BY = ("category", "outcome", "reason", "key_id")


@dataclass(frozen=True)
class Chosen:
    """The buckets that the page shows, and what differs from what was asked for.

    query: the parameters that are obeyed. If the range that was asked for is impossible, they have the default range.
    asked: the question to the API's code.
    before: the range of the same length that ends when the one shown begins, if it was asked for and is kept.
    notes: a sentence for everything that is not as it was asked for.
    """

    query: PageQuery
    asked: Asked
    shown: StatsRange
    before: StatsRange | None
    notes: tuple[str, ...]


def choose(query: PageQuery, rollups: Sequence[Rollup], retention: Retention) -> Chosen:
    """Return what the page shows: the range and resolution that were asked for, or if that is impossible the range, or
    the default. Raises BadQuery if these rollups make up no range at all."""
    until = -(-retention.now // NS)
    tries = [query]
    if query.interval:
        said = f"{length_words(query.interval).capitalize()} would be too many bars: at most {MAX_INTERVALS} are shown."
        tries.append(replace(query, interval=None, problems=(*query.problems, said)))
    if query.span:
        said = "The range is too long. The last 24 hours are shown."
        start = DEFAULT.start(retention.now // NS)
        default = replace(query, preset=DEFAULT, span=None, start=start, end=until, interval=None)
        tries.append(replace(default, problems=(*query.problems, said)))
    *before_last, last = tries
    for one in before_last:
        try:
            return _choose(one, rollups, retention)
        except BadQuery:
            continue
    return _choose(last, rollups, retention)


def offered_resolutions(shown: StatsRange, rollups: Sequence[Rollup]) -> list[int]:
    """Return the resolutions at which the same range can be shown, in seconds, finest first."""
    fitting = {
        rollup.seconds
        for rollup in rollups
        if DAY % rollup.seconds == 0
        and -(-(shown.end - shown.start) // rollup.seconds) <= MAX_INTERVALS
        and shown.start >= shown.retention.since(rollup)
    }
    return sorted(fitting | {shown.interval})


def _choose(query: PageQuery, rollups: Sequence[Rollup], retention: Retention) -> Chosen:
    notes: list[str] = []
    interval, zone = query.interval or _fitting(query, rollups, retention), parse_timezone(query.zone.name)
    asked = Asked(
        fields=("sum(quantity)",),
        group_by=GROUP_BY,
        start=_start(query, interval, zone, retention),
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
        if asked.zone is None:
            raise
        asked = replace(asked, zone=None, start=query.start)
        shown = choose_range(asked, rollups, retention)
        notes.append(f"These are days of UTC, because {query.zone.name} has none so far back. {_first_sentence(error)}")
    if query.interval and shown.interval != query.interval:
        notes.append(_coarser(shown.interval, query.interval, "so far back"))
    if not query.before:
        return Chosen(query, asked, shown, None, tuple(notes))
    for one in _candidates(query, asked, shown, rollups, retention):
        before = _range_before(one)
        if before is not None:
            if one.interval != shown.interval:
                notes.append(_coarser(one.interval, shown.interval, "for the period before"))
            elif one.days != shown.days:
                notes.append(f"These are days of UTC, because {query.zone.name} has none in the period before.")
            return Chosen(query, asked, one, before, tuple(notes))
    notes.append("The period before is not shown, because not all of it is kept any more.")
    return Chosen(query, asked, shown, None, tuple(notes))


def _candidates(
    query: PageQuery, asked: Asked, shown: StatsRange, rollups: Sequence[Rollup], retention: Retention
) -> Iterator[StatsRange]:
    """Return the range at its own resolution and at each coarser one, in days of the zone and then of UTC."""
    yield shown
    coarser = [rollup.seconds for rollup in rollups if shown.interval < rollup.seconds <= DAY]
    for interval, zone in [*((one, asked.zone) for one in coarser), (DAY, None)]:
        try:
            start = _start(query, interval, zone, retention)
            yield choose_range(replace(asked, interval=interval, zone=zone, start=start), rollups, retention)
        except BadQuery:
            continue


def _start(query: PageQuery, interval: int, zone: ZoneInfo | None, retention: Retention) -> int:
    """Return the start of the range. A preset of days has as many days in every zone, at every hour."""
    if zone and interval == DAY and query.span is None:
        return query.preset.first_day(zone, retention.now // NS)
    return query.start


def _range_before(shown: StatsRange) -> StatsRange | None:
    """Return the range with as many buckets that ends when the one shown begins; None if not all of it is kept."""
    start, days = 2 * shown.start - shown.end, None
    if shown.days:
        zone = shown.days.zone
        first = datetime.fromtimestamp(shown.start, zone).date() - timedelta(days=shown.points)
        start = day_start(zone, first)
        days = days_between(zone, start, shown.start)
        if len(days.starts) != shown.points or not days.divided_by(shown.rollup):
            return None
    before = replace(shown, start=start, end=shown.start, days=days)
    return before if start >= before.retained_since else None


def _fitting(query: PageQuery, rollups: Sequence[Rollup], retention: Retention) -> int:
    """Return the resolution at which a range is shown by itself, in seconds."""
    if query.span is None:
        return max(query.preset.interval, rollups[0].seconds)
    for rollup in rollups:
        start = query.start - query.start % rollup.seconds
        if (query.end - query.start) // rollup.seconds < FITTING and start >= retention.since(rollup):
            return rollup.seconds
    return max(DAY, rollups[0].seconds)


def _coarser(interval: int, wanted: int, where: str) -> str:
    verb = "is" if length_words(wanted).startswith("1 ") else "are"
    return f"One bar is {length_words(interval)}, because {length_words(wanted)} {verb} not kept {where}."


def _first_sentence(error: BadQuery) -> str:
    """Return the first sentence of an error. The second one gives advice about the API's parameters."""
    first, _, _ = str(error.detail).partition(". ")
    return f"{first.removesuffix('.')}."
