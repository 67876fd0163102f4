"""Reading facts: what each key of a project counted, by category, outcome and reason, added up in groups.

A question that needs too much work is refused before the work is done: the series are counted before their names are
read, and the names show how many groups and rings there are before any ring is read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tsdb.reading import Seen
from tsdb.series import Series, decoded
from tsdb.stamps import Stamp
from tsdb.store import Store
from tsdb.timeline import Window

MOST_SERIES_READ = 100_000
"""The most series whose names are read for one answer: 100 of each of 1000 projects. Reading them takes some 0.1 s."""

MOST_COUNTS_READ = 20_000_000
"""The most counts (series times buckets) that are read for one answer: 26 series of 768 hours of each of 1000 projects.
Reading them takes some 0.5 s."""


class TooManySeries(Exception):
    """The question needs too many series. The message says how many, and what the limit is."""


class TooManyGroups(Exception):
    """The answer has more groups than the caller takes."""


class Kind(NamedTuple):
    """What a fact counts, apart from the key."""

    category: str
    outcome: str
    reason: str


@dataclass(frozen=True)
class Question:
    """Which facts are wanted, and how they are added up.

    wants: says whether facts of this kind are wanted.
    keys: ids of the keys whose facts are wanted; empty for all keys.
    group_by: names of fields of Kind, `key` or `project`.
    """

    wants: Callable[[Kind], bool]
    keys: Collection[int] = ()
    group_by: Sequence[str] = ()


Group = tuple[str | int, ...]
"""One value for each name in `group_by`."""


class Facts(NamedTuple):
    """The facts that were found, the group of each, and the projects' states at that moment, for the next read."""

    series: list[Series]
    groups: list[Group]
    seen: Seen


def find_facts(
    store: Store, projects: Sequence[int], question: Question, *, points: int = 1, most_groups: int = MOST_SERIES_READ
) -> Facts:
    """Return the wanted facts of these projects, as far as they were ever counted.

    One round trip. Raises TooManySeries if there are too many series, or if reading `points` buckets of each fact were
    too many counts. Raises TooManyGroups if there are more than `most_groups` groups.
    """
    number, index = store.fact_names(projects, MOST_SERIES_READ)
    if index is None:
        raise TooManySeries(f"there are {number:,} series to look at, and the most is {MOST_SERIES_READ:,}")
    most = MOST_COUNTS_READ // points
    keys = {str(key).encode() for key in question.keys}
    places = {name: place for place, name in enumerate(question.group_by)}
    of_key, of_project = places.get("key"), places.get("project")
    kinds: dict[bytes, Group | None] = {}
    found: list[tuple[int, list[bytes]]] = []
    groups: list[Group] = []
    distinct: set[Group] = set()
    for project, names in index.names.items():
        chosen: list[bytes] = []
        found.append((project, chosen))
        for name in names:
            _, key, kind = name.split(b":", 2)
            if kind in kinds:
                group = kinds[kind]
            else:
                group = kinds[kind] = _group(kind, question)
            if group is None or (keys and key not in keys):
                continue
            if of_key is not None:
                group = (*group[:of_key], int(key), *group[of_key + 1 :])
            if of_project is not None:
                group = (*group[:of_project], project, *group[of_project + 1 :])
            groups.append(group)
            distinct.add(group)
            chosen.append(name)
            if len(distinct) > most_groups:
                raise TooManyGroups
            if len(groups) > most:
                raise TooManySeries(f"there are more than {most:,} series of {points:,} buckets to add up")
    series = [Series(project, name.decode()) for project, chosen in found for name in chosen]
    return Facts(series, groups, index.states)


def add_facts(
    store: Store,
    projects: Sequence[int],
    question: Question,
    window: Window,
    *,
    now: int,
    since: int | None = None,
    stamp: Stamp | None = None,
    most_groups: int = MOST_SERIES_READ,
) -> dict[Group, list[int]]:
    """Return the sums of the wanted facts of these projects, by group: one for each bucket of the window, ascending.

    A group whose facts have no ring is left out. Store.get_grouped explains `now`, `since` and `stamp`. Raises
    TooManySeries, or TooManyGroups if there could be more than `most_groups` groups. Both are raised before any ring is
    read.
    """
    points = max(1, window.held(now).points)
    series, groups, seen = find_facts(store, projects, question, points=points, most_groups=most_groups)
    return store.get_grouped(series, groups, window, now=now, since=since, seen=seen, stamp=stamp)


def _group(name: bytes, question: Question) -> Group | None:
    """Return the group of a fact; None if it is not wanted.

    `name` is the part of the fact's name after its key. Places in the group that are no field of Kind are left empty.
    """
    kind = Kind(*map(decoded, name.decode().split(":")))
    if not question.wants(kind):
        return None
    return tuple(getattr(kind, name, "") for name in question.group_by)
