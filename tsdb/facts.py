"""Reading facts: what each key of a project counted, by category, outcome and reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tsdb.reading import Seen
from tsdb.series import Fact, Series, parse_fact
from tsdb.store import Store
from tsdb.timeline import Window


class Counted(NamedTuple):
    """A fact of a project and its counts, a bucket of the window each, ascending."""

    project: int
    fact: Fact
    counts: tuple[int, ...]


class Facts(NamedTuple):
    """The facts that were found, and the states of the projects at that moment, for the read that follows."""

    series: dict[Series, Fact]
    seen: Seen


def find_facts(store: Store, projects: Sequence[int], wanted: Callable[[Fact], bool]) -> Facts:
    """The facts of these projects that were ever counted and are wanted. One round trip."""
    index = store.index_of(projects)
    found = {}
    for project, names in index.names.items():
        for name in names:
            fact = parse_fact(name)
            if fact is not None and wanted(fact):
                found[Series(project, name)] = fact
    return Facts(found, index.states)


def read_facts(
    store: Store,
    projects: Sequence[int],
    wanted: Callable[[Fact], bool],
    window: Window,
    *,
    now: int,
    since: int | None = None,
) -> list[Counted]:
    """The counts of the wanted facts of these projects. Two round trips. `now` and `since` as Store.get_range has."""
    facts, seen = find_facts(store, projects, wanted)
    ranges = store.get_range(list(facts), window, now=now, since=since, seen=seen)
    return [Counted(series.project, facts[series], counts) for series, counts in ranges.items()]
