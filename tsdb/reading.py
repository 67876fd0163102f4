"""Reading rings, together with the states that say whether what they hold is whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tsdb import ring
from tsdb.adding import Adder, AnyGroup
from tsdb.client import Clients
from tsdb.protocol import none_failed
from tsdb.rollups import INTEGER_BYTES, Rollup
from tsdb.scripts import Call, Script
from tsdb.series import Series, index_key, running_key, state_key
from tsdb.states import States, Unsettled
from tsdb.timeline import Window

Seen = Mapping[int, bytes | None]
"""The states of projects, as they were read."""

Counts = tuple[int, ...]

MANY = 300
"""Of so many rings a short window is read by a script, which looks at each. Fewer are read whole in less time
(benchmarks/reading.py and organization.py)."""

CHUNK = 3000
"""Rings that are read at once, some 20 MB at most; the totals of 1000 projects."""

SHORT = 3
"""A window is short if the ring has so many times as many buckets."""


class Index(NamedTuple):
    """The names of the facts of each project, and the projects' states when they were read."""

    names: dict[int, list[bytes]]
    states: Seen


class Reader:
    """Reads the rings of these rollups. Every method raises redis.exceptions.RedisError."""

    def __init__(self, clients: Clients, states: States, rollups: Sequence[Rollup]) -> None:
        self._clients = clients
        self._states = states
        self._rollups = rollups
        self._window = Script("window", rollups, flags="no-writes")
        self._names = Script("names", rollups, flags="no-writes")
        self._ahead = Script("ahead", rollups)

    def counts(
        self, series: Sequence[Series], window: Window, *, now: int, since: int | None, seen: Seen | None
    ) -> list[Counts | None]:
        """The counts of each series over the window's buckets, ascending; None: it has no ring. One round trip.

        `since` is what the caller takes for the instant (seconds since the epoch) from which on the window's rollup is
        complete; `seen` are the states of the projects when the names of the series were read. Raises Unsettled where
        one of them is not so any more, or something was begun with a project.
        """
        in_part = self._is_in_part(series, window)
        rings = self._rings(series, window, in_part, now=now, since=since, seen=seen)
        read, oldest = (ring.read_window if in_part else ring.read), window.rollup.oldest_bucket(now)
        return [None if raw is None else read(raw, window, oldest) for raw in rings]

    def added(
        self,
        series: Sequence[Series],
        groups: Sequence[AnyGroup],
        window: Window,
        *,
        now: int,
        since: int | None,
        seen: Seen | None,
    ) -> dict[AnyGroup, list[int]]:
        """The sums over the window's buckets, ascending, of each group of series that has a ring.

        The window must be `held`. CHUNK series at once are one round trip. What is read in several is one truth all
        the same: at the end every project is still in the state in which it was at the beginning. `since`, `seen` and
        what is raised as of `counts`.
        """
        if seen is None and len(series) > CHUNK:
            seen = self._states.look(dict.fromkeys(one.project for one in series))
        adder: Adder[AnyGroup] = Adder(window, window.rollup.oldest_bucket(now))
        in_part = self._is_in_part(series, window)
        for start in range(0, len(series) or 1, CHUNK):
            part = series[start : start + CHUNK]
            is_last = start + CHUNK >= len(series)
            known = seen if seen is None or is_last else {one.project: seen.get(one.project) for one in part}
            rings = self._rings(part, window, in_part, now=now, since=since, seen=known)
            adder.add(groups[start : start + CHUNK], rings if in_part else ring.cut(rings, window))
        return adder.sums()

    def fact_names(self, projects: Sequence[int], most: int) -> tuple[int, Index | None]:
        """As Store.fact_names says."""
        pairs = [(state_key(project), index_key(project)) for project in projects]
        client = self._clients.read
        if client.READS_AT_ONCE:
            found = self._names.run(client, Call([key for pair in pairs for key in pair], [most]))
        else:
            # Each node would answer for itself, so they are counted first. What grows meanwhile is bounded a project.
            found = sum(none_failed(client.together([("SCARD", index) for _, index in pairs])))
            if found <= most:
                answers = none_failed(self._names.run_many(client, [Call(pair, [most]) for pair in pairs]))
                sizes = [answer for answer in answers if isinstance(answer, int)]
                found = sum(sizes) if sizes else [one for answer in answers for one in answer]
        if isinstance(found, int):
            return found, None
        states, names = found[::2], found[1::2]
        self._states.verify(projects, states)
        return len(names), Index(dict(zip(projects, names, strict=True)), dict(zip(projects, states, strict=True)))

    @staticmethod
    def _is_in_part(series: Sequence[Series], window: Window) -> bool:
        return len(series) >= MANY and SHORT * window.points <= window.rollup.slots

    def _rings(
        self,
        series: Sequence[Series],
        window: Window,
        in_part: bool,
        *,
        now: int,
        since: int | None,
        seen: Seen | None,
    ) -> list[bytes | None]:
        """Each series' ring, or of it what ring.read_window reads; None: there is none."""
        rollup, states = window.rollup, self._states
        projects = list(dict.fromkeys([*(one.project for one in series), *(seen or ())]))
        then, rings = (self._read_window if in_part else self._read_whole)(projects, series, window)
        states.verify(projects, then)
        if seen is not None:
            states.refuse_changed(projects, [seen.get(project) for project in projects], then)
        if len(projects) > 1 and not self._clients.read.READS_AT_ONCE:
            # What moved from one node to another between their answers would be there twice, or not at all.
            states.refuse_changed(projects, then, self._clients.read.get_many(list(map(state_key, projects))))
        if since is not None:
            self._refuse_what_is_ahead(series, rings, rollup, now, since)
            states.verify_complete(projects, rollup, since)
        return rings

    def _read_whole(
        self, projects: Sequence[int], series: Sequence[Series], window: Window
    ) -> tuple[list[bytes | None], list[bytes | None]]:
        """The projects' states and the rings."""
        keys = [*map(state_key, projects), *(one.key(window.rollup) for one in series)]
        found = self._clients.read.get_many(keys)
        return found[: len(projects)], found[len(projects) :]

    def _read_window(
        self, projects: Sequence[int], series: Sequence[Series], window: Window
    ) -> tuple[list[bytes | None], list[bytes | None]]:
        """The projects' states and of each ring its newest bucket and the window's slots."""
        stretches = ring.stretches(window)
        if self._clients.read.READS_AT_ONCE:
            keys = [*map(state_key, projects), *(one.key(window.rollup) for one in series)]
            found = self._window.run(self._clients.read, Call(keys, [len(projects), *stretches]))
            return found[: len(projects)], found[len(projects) :]
        mine: dict[int, list[int]] = {project: [] for project in projects}
        for place, one in enumerate(series):
            mine[one.project].append(place)
        calls = [
            Call([state_key(project), *(series[place].key(window.rollup) for place in places)], [1, *stretches])
            for project, places in mine.items()
        ]
        states: list[bytes | None] = []
        rings: list[bytes | None] = [None] * len(series)
        answers = none_failed(self._window.run_many(self._clients.read, calls))
        for places, (state, *found) in zip(mine.values(), answers, strict=True):
            states.append(state)
            for place, raw in zip(places, found, strict=True):
                rings[place] = raw
        return states, rings

    def _refuse_what_is_ahead(
        self, series: Sequence[Series], rings: Sequence[bytes | None], rollup: Rollup, now: int, since: int
    ) -> None:
        """Raises Unsettled where a ring has let buckets go that the caller takes for complete.

        A clock that ran ahead moved it; the state says from now on since when the resolution is complete.
        """
        furthest = rollup.bucket(since) + rollup.slots - 1
        if furthest < 0:
            return
        limit = furthest.to_bytes(INTEGER_BYTES, "big")
        ahead = [one for one, raw in zip(series, rings, strict=True) if raw is not None and raw[:INTEGER_BYTES] > limit]
        for one in ahead:
            keys = [state_key(one.project), index_key(one.project), running_key(one.project)]
            keys += [one.key(each) for each in self._rollups]
            self._ahead.run(self._clients.write, Call(keys, [now]))
        if ahead:
            raise Unsettled({one.project for one in ahead})
