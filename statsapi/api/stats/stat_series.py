"""The series that make up a stat, for one project or many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tsdb import series
from tsdb.facts import Kind, Question, find_facts
from tsdb.outcomes import STATS, Category, Outcome
from tsdb.reading import Seen
from tsdb.series import Series
from tsdb.store import Store
from tsdb.timeline import Retention


class StatSeries(NamedTuple):
    """The series whose sum is a stat. `seen` has the projects' states if the series had to be searched for."""

    series: list[Series]
    seen: Seen | None = None


def series_of_stat(store: Store, projects: Sequence[int], stat: str) -> StatSeries:
    """Return the series whose sum is the stat. A filter's name needs a look at the facts that were ever counted."""
    if stat in STATS:
        return StatSeries(series.totals(projects, Category.ERROR, STATS[stat]))

    filtered = Kind(Category.ERROR, Outcome.FILTERED, stat)
    facts = find_facts(store, projects, Question(lambda kind: kind == filtered))
    return StatSeries(facts.series, facts.seen)


def series_of_stat_in(environments: Mapping[int, int], stat: str) -> StatSeries:
    """Return the series whose sum is the stat in an environment.

    `environments` has its ids by the ids of the projects.
    """
    outcomes = STATS.get(stat)
    if outcomes is None:
        found = [
            series.environment(project, number, Outcome.FILTERED, stat) for project, number in environments.items()
        ]
    else:
        found = [
            series.environment(project, number, outcome)
            for project, number in environments.items()
            for outcome in outcomes
        ]
    return StatSeries(found)


def retention_of(store: Store, projects: Sequence[int], stat: str, in_environment: bool, now: int) -> Retention:
    """Return since when each rollup holds all of the stat. `now` is in nanoseconds.

    Accepted events were counted by environment earlier than other events were.
    """
    kept = store.retention(projects, now=now)
    return kept.of_environments() if in_environment and stat != "generated" else kept
