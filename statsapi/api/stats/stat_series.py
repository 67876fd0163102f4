"""Which series make up a stat, for one project or many."""

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
    """The series whose sum is a stat; `seen` are the projects' states where the series had to be looked for."""

    series: list[Series]
    seen: Seen | None = None


def series_of_stat(store: Store, projects: Sequence[int], stat: str) -> StatSeries:
    """The series whose sum is the stat; for a filter's name that takes a look at what was ever filtered."""
    if stat in STATS:
        outcomes = STATS[stat]
        return StatSeries(
            [series.total(project, Category.ERROR, outcome) for project in projects for outcome in outcomes]
        )

    filtered = Kind(Category.ERROR, Outcome.FILTERED, stat)
    facts = find_facts(store, projects, Question(lambda kind: kind == filtered))
    return StatSeries(facts.series, facts.seen)


def series_of_stat_in(environments: Mapping[int, int], stat: str) -> StatSeries:
    """The series whose sum is the stat in an environment: its id in each project that has it, by the project's id."""
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
    """Since when each rollup holds all of the stat; `now` in nanoseconds.

    In an environment accepted events were counted earlier than others were.
    """
    kept = store.retention(projects, now=now)
    return kept.of_environments() if in_environment and stat != "generated" else kept
