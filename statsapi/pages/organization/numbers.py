"""The counts of an organization's projects over a range, beside those of the range before.

They are totals of a category. stats_v2 and stats-summary answer the same for the same start, end and interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import add
from typing import NamedTuple

from projects.services import settled
from statsapi.api.stats.v2_range import StatsRange
from statsapi.pages.project.query import PRESETS
from tsdb.newest import Newest, newest_of_projects
from tsdb.outcomes import RECEIVED, Outcome
from tsdb.series import total
from tsdb.store import Store
from tsdb.timeline import choose_interval
from tsdb.units import DAY, HOUR, NS


class Span(NamedTuple):
    """The length of a range, and the interval that is asked for, both in seconds."""

    seconds: int
    interval: int


SPANS = {
    name: Span(PRESETS[name].seconds, interval)
    for name, interval in {"24h": HOUR, "7d": HOUR, "30d": DAY, "90d": DAY}.items()
}
"""The ranges that can be chosen, by their words in an address, which are those of a project's page."""


class NotServed(Exception):
    """No resolution that is kept here makes up the range."""


@dataclass(frozen=True)
class Change:
    """Received events of the closed intervals of the range, and of the same intervals one range earlier."""

    now: int
    before: int

    @property
    def difference(self) -> int:
        """How many more there are now."""
        return self.now - self.before

    @property
    def percent(self) -> float | None:
        """How many more there are now, in percent of what there were before; None if there were none."""
        return 100 * self.difference / self.before if self.before else None


@dataclass(frozen=True)
class Counts:
    """The counts of a project, or of all.

    outcomes: the events of each outcome in the range. An outcome without events may be left out.
    received: received events, one count for each interval of the range, ascending.
    change: None if the range before is no longer kept.
    """

    outcomes: Mapping[Outcome, int] = field(default_factory=dict)
    received: Sequence[int] = ()
    change: Change | None = None

    def of(self, outcome: Outcome) -> int:
        """Return the number of events with this outcome."""
        return self.outcomes.get(outcome, 0)

    @property
    def dropped(self) -> int:
        """All events that were not accepted."""
        return sum(count for outcome, count in self.outcomes.items() if outcome is not Outcome.ACCEPTED)


@dataclass(frozen=True)
class Overview:
    """What the page of an organization shows.

    counts: the counts of each project, by its id.
    newest: when each project last received something of the category; a project that did not is left out.
    categories: the categories that any of the projects ever counted.
    """

    answered: StatsRange
    counts: Mapping[int, Counts]
    newest: Mapping[int, Newest]
    categories: frozenset[str]

    @property
    def total(self) -> Counts:
        """The counts of all projects together."""
        each = list(self.counts.values())
        outcomes = {outcome: sum(one.of(outcome) for one in each) for outcome in Outcome}
        received = [sum(counts) for counts in zip(*(one.received for one in each), strict=True)]
        changes = [one.change for one in each if one.change]
        change = Change(sum(one.now for one in changes), sum(one.before for one in changes)) if changes else None
        return Counts(outcomes, received, change)


def read_overview(store: Store, projects: Sequence[int], category: str, span: Span, *, now_ns: int) -> Overview:
    """Return the counts of the projects over the range that ends with the interval still open.

    Takes three round trips, or a few more for hundreds of projects. `now_ns` is in nanoseconds since the epoch. Raises
    NotServed, redis.exceptions.RedisError.
    """
    return settled(lambda: _read(store, projects, category, span, now_ns))


def _read(store: Store, projects: Sequence[int], category: str, span: Span, now_ns: int) -> Overview:
    answered = _choose_range(store, projects, span, now_ns)
    length = answered.end - answered.start
    # One read of both ranges.
    both = replace(answered, start=answered.start - length)
    kinds = [(project, outcome) for project in projects for outcome in Outcome]
    series = [total(project, category, outcome) for project, outcome in kinds]
    sums = store.get_grouped(series, kinds, both.window, now=both.now, since=both.retained_since)
    is_kept = both.start >= both.retained_since
    found: dict[int, dict[Outcome, Sequence[int]]] = {project: {} for project in projects}
    for (project, outcome), one in sums.items():
        found[project][outcome] = both.add_up(one)
    counts = {project: _counts(outcomes, answered.points, is_kept) for project, outcomes in found.items()}
    received = [total(project, category, outcome) for project in projects for outcome in RECEIVED]
    running = store.running_totals(projects)
    categories = frozenset(name for totals in running.values() for name, _ in totals.outcomes)
    return Overview(answered, counts, newest_of_projects(store, received), categories)


def _choose_range(store: Store, projects: Sequence[int], span: Span, now_ns: int) -> StatsRange:
    """Return the range at the finest interval that is complete since its start, as stats_v2 chooses it."""
    retention, now = store.retention(projects, now=now_ns), now_ns // NS
    chosen = choose_interval(store.rollups, span.interval, now + span.interval - span.seconds, retention)
    if chosen is None:
        raise NotServed
    interval, rollup = chosen
    end = now - now % interval + interval
    points = max(1, span.seconds // interval)
    return StatsRange(end - points * interval, end, interval, rollup, retention)


def _counts(outcomes: Mapping[Outcome, Sequence[int]], points: int, is_kept: bool) -> Counts:
    """Return the counts of a project from the counts of each outcome in both ranges, of `points` intervals each."""
    received = [0] * points
    before = 0
    for outcome in RECEIVED:
        if outcome in outcomes:
            received = list(map(add, received, outcomes[outcome][points:]))
            before += sum(outcomes[outcome][: points - 1])
    change = Change(sum(received[:-1]), before) if is_kept and points > 1 else None
    return Counts({outcome: sum(counts[points:]) for outcome, counts in outcomes.items()}, received, change)
