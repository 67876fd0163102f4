"""Reading rings, together with the states of their projects, which say whether the rings are whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypedDict

from tsdb import ring
from tsdb.adding import Adder, AnyGroup
from tsdb.client import Clients
from tsdb.protocol import none_failed
from tsdb.rollups import INTEGER_BYTES, Rollup
from tsdb.scripts import Call, Script
from tsdb.series import Series, index_key, ring_keys, running_key, state_key
from tsdb.stamps import Stamp
from tsdb.states import States, Unsettled
from tsdb.timeline import Window

Seen = Mapping[int, bytes | None]
"""The states of projects as they were read, by project; None for a project without a state."""

Counts = tuple[int, ...]

MANY = 300
"""A short window of this many rings or more is read with a script, which sends only the window. Fewer rings are faster
to read whole (benchmarks/reading.py and organization.py)."""

CHUNK = 3000
"""The most rings that are read at once: some 20 MB, and as many as 1000 projects have totals for a stat."""

SHORT = 3
"""A window is short if the ring has at least this many times as many buckets."""


class Index(NamedTuple):
    """The names of the facts of each project, and the projects' states when the names were read."""

    names: dict[int, list[bytes]]
    states: Seen


class Beliefs(TypedDict, total=False):
    """What a caller believes, and what a read confirms in the same round trip.

    since: the instant (seconds since the epoch) since when the window's rollup is complete.
    seen: the states of the projects when the names of the series were read.
    stamp: the stamp of what the caller had in memory.

    Raises Unsettled if one of the first two is no longer true, and Outdated if the stamp has another value.
    """

    since: int | None
    seen: Seen | None
    stamp: Stamp | None


class Reader:
    """Reads the rings of these rollups. Every method raises redis.exceptions.RedisError if Redis fails."""

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
        """Return the counts of each series, one for each bucket of the window, ascending; None if it has no ring.

        One round trip. `since` is the instant (seconds since the epoch) since when the caller believes the window's
        rollup to be complete. `seen` are the states of the projects when the names of the series were read. Raises
        Unsettled if one of these is no longer true, or if a change of a project is unfinished.
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
        since: int | None = None,
        seen: Seen | None = None,
        stamp: Stamp | None = None,
    ) -> dict[AnyGroup, list[int]]:
        """Return the sums of each group that has a ring, one for each bucket of the window, ascending.

        The window must be the part that is held (Window.held). Each CHUNK of series is one round trip. Several round
        trips still show one moment: Unsettled is raised if a project's state at the end differs from its state at the
        beginning. `counts` explains `since`, `seen` and what is raised. `stamp` is read in the same round trip. Raises
        Outdated if it has another value.
        """
        if seen is None and len(series) > CHUNK:
            seen = self._states.read_raw(dict.fromkeys(one.project for one in series))
        adder: Adder[AnyGroup] = Adder(window, window.rollup.oldest_bucket(now))
        in_part = self._is_in_part(series, window)
        for start in range(0, len(series) or 1, CHUNK):
            part = series[start : start + CHUNK]
            is_last = start + CHUNK >= len(series)
            known = seen if seen is None or is_last else {one.project: seen.get(one.project) for one in part}
            rings = self._rings(part, window, in_part, now=now, since=since, seen=known, stamp=stamp)
            adder.add(groups[start : start + CHUNK], rings if in_part else ring.cut(rings, window))
        return adder.sums()

    def fact_names(self, projects: Sequence[int], most: int) -> tuple[int, Index | None]:
        """Return the names of the projects' facts, as Store.fact_names does."""
        pairs = [(state_key(project), index_key(project)) for project in projects]
        client = self._clients.read
        if client.READS_AT_ONCE:
            found = self._names.run(client, Call([key for pair in pairs for key in pair], [most]))
        else:
            # A node can only count its own series, so all are counted first. How many are added in between is bounded
            # by the room of each project.
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
        stamp: Stamp | None = None,
    ) -> list[bytes | None]:
        """Return the ring of each series, or the part that ring.read_window reads; None if there is no ring."""
        rollup, states = window.rollup, self._states
        projects = list(dict.fromkeys([*[one.project for one in series], *(seen or ())]))
        read = self._read_window if in_part else self._read_whole
        then, rings = read(projects, series, window, stamp)
        states.verify(projects, then)
        if seen is not None:
            states.refuse_changed(projects, [seen.get(project) for project in projects], then)
        if len(projects) > 1 and not self._clients.read.READS_AT_ONCE:
            # Counts that moved from one node to another between their answers would be there twice, or not at all.
            states.refuse_changed(projects, then, self._clients.read.get_many(list(map(state_key, projects))))
        if since is not None:
            self._refuse_what_is_ahead(series, rings, rollup, now, since)
            states.verify_complete(projects, rollup, since)
        return rings

    def _read_whole(
        self, projects: Sequence[int], series: Sequence[Series], window: Window, stamp: Stamp | None
    ) -> tuple[list[bytes | None], list[bytes | None]]:
        """Return the states of the projects, and the rings of the series, after comparing the stamp."""
        keys = [*map(state_key, projects), *ring_keys(series, window.rollup)]
        if stamp is None:
            found = self._clients.read.get_many(keys)
        else:
            *found, value = self._clients.read.get_many([*keys, stamp.key])
            stamp.compare(value)
        return found[: len(projects)], found[len(projects) :]

    def _read_window(
        self, projects: Sequence[int], series: Sequence[Series], window: Window, stamp: Stamp | None
    ) -> tuple[list[bytes | None], list[bytes | None]]:
        """Return the states of the projects, and for each ring its newest bucket and the window's slots."""
        stretches = ring.stretches(window)
        stamps = [] if stamp is None else [stamp.key]
        if self._clients.read.READS_AT_ONCE:
            keys = [*stamps, *map(state_key, projects), *ring_keys(series, window.rollup)]
            found = self._window.run(self._clients.read, Call(keys, [len(stamps) + len(projects), *stretches]))
            if stamp is not None:
                stamp.compare(found.pop(0))
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
        calls += [Call([key], [1, *stretches]) for key in stamps]
        answers = none_failed(self._window.run_many(self._clients.read, calls))
        if stamp is not None:
            stamp.compare(answers.pop()[0])
        for places, (state, *found) in zip(mine.values(), answers, strict=True):
            states.append(state)
            for place, raw in zip(places, found, strict=True):
                rings[place] = raw
        return states, rings

    def _refuse_what_is_ahead(
        self, series: Sequence[Series], rings: Sequence[bytes | None], rollup: Rollup, now: int, since: int
    ) -> None:
        """Raise Unsettled if a ring has lost buckets that the caller believes to be complete.

        A clock that ran ahead has moved the ring. The state is told since when the resolution is complete.
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
