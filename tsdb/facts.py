"""Reading facts: what each key of a project counted, by category, outcome and reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tsdb.series import Fact, Series, parse_fact
from tsdb.store import Store
from tsdb.timeline import Window


class Counted(NamedTuple):
    """A fact of a project and its counts, a bucket of the window each, ascending."""

    project: int
    fact: Fact
    counts: tuple[int, ...]


def fact_series(store: Store, projects: Sequence[int], wanted: Callable[[Fact], bool]) -> dict[Series, Fact]:
    """The facts of these projects that were ever counted and are wanted. One round trip."""
    found = {}
    for project, names in store.series_of_many(projects).items():
        for name in names:
            fact = parse_fact(name)
            if fact is not None and wanted(fact):
                found[Series(project, name)] = fact
    return found


def read_facts(
    store: Store, projects: Sequence[int], wanted: Callable[[Fact], bool], window: Window, *, now: int
) -> list[Counted]:
    """The counts of the wanted facts of these projects. Two round trips."""
    facts = fact_series(store, projects, wanted)
    ranges = store.get_range(list(facts), window, now=now)
    return [Counted(series.project, facts[series], counts) for series, counts in ranges.items()]
