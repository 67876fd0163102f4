"""The store: it counts into rings and reads them.

A series has one ring for each rollup (tsdb/ring.py draws it). Every write is one Lua script for each project
(tsdb/lua), so an event is counted into all of its series and rollups or into none of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Unpack

from redis.exceptions import RedisError

from tsdb.adding import AnyGroup
from tsdb.client import Clients
from tsdb.protocol import none_failed
from tsdb.reading import Beliefs, Counts, Index, Reader, Seen
from tsdb.rollups import Rollup, check_rollups
from tsdb.room import RoomForWords
from tsdb.series import (
    RunningTotals,
    Series,
    categories_key,
    decoded,
    index_key,
    read_running,
    reasons_key,
    running_key,
    state_key,
)
from tsdb.stamps import Outdated, Stamps
from tsdb.state import Shape
from tsdb.states import States, Unsettled
from tsdb.timeline import Retention, Window, roll_up
from tsdb.tombstones import Tombstones
from tsdb.writing import Claim as Claim
from tsdb.writing import ClaimConflict as ClaimConflict
from tsdb.writing import Increment as Increment
from tsdb.writing import ProjectClosed as ProjectClosed
from tsdb.writing import Writer


class Store:
    """Counts and reads the series of any number of projects.

    Every method raises redis.exceptions.RedisError if Redis cannot be reached or refuses. `now` is the caller's clock,
    whole seconds since the epoch unless a method says otherwise; it decides what is still retained. A project has room
    for `most_series` series, or for any number if that is 0 (tsdb/room.py).
    """

    def __init__(self, clients: Clients, rollups: Sequence[Rollup], *, most_series: int = 0) -> None:
        check_rollups(tuple(rollups))
        self.clients = clients
        self.most_series = most_series
        self.rollups = tuple(rollups)
        self.states = States(clients, self.rollups)
        self.tombstones = Tombstones(clients, self.states, self.rollups)
        self.stamps = Stamps(clients)
        self.earlier_shapes: list[Shape] | None = None
        """The shapes of rings that an earlier version left; None until tsdb/settling.py has looked."""
        self._writer = Writer(clients, self.rollups)
        self._reader = Reader(clients, self.states, self.rollups)

    # --- writing ---------------------------------------------------------------------------------------------

    def open(self, project: int, *, filled: Mapping[int, int] | None = None) -> str:
        """Let a project be counted into until it is closed, and return its version. Raises Unsettled.

        `filled` says for a project without keys since when each resolution is complete (tsdb/state.py).
        """
        return self.states.open(project, filled or {})

    def close(self, project: int) -> None:
        """Close the project: nothing is counted into it until it is opened, and its version is no longer valid."""
        self.states.close(project)

    def version(self, project: int) -> str | None:
        """Return the version of an open project; None if it is not open."""
        return self.states.version(project)

    def versions(self, projects: Sequence[int]) -> dict[int, str | RedisError | None]:
        """Return the version of each of these projects, or the error in its place. One round trip."""
        return self.states.versions(projects)

    def incr(self, series: Sequence[Series], timestamp: int, *, now: int, amount: int = 1) -> None:
        """Count `amount` into each of the series, which are of one project. All are counted or none."""
        self.incr_multi([Increment(one, timestamp, amount) for one in series], now=now)

    def incr_multi(self, increments: Iterable[Increment], *, now: int, claim: Claim | None = None) -> bool:
        """Count many increments. Those of one project are counted by one script: all of them or none.

        With a claim all increments must be of one project. Returns False if the claim was counted before, else True.
        Raises ValueError for an amount or a timestamp out of range, before anything is counted; ProjectClosed, when all
        other projects were counted; or ClaimConflict.
        """
        return self._writer.count(increments, now=now, claim=claim, most_series=self.most_series)

    def incr_bulk(self, increments: Iterable[Increment], *, now: int) -> None:
        """Count any number of increments in batches, as incr_multi does. Each batch is counted whole or not at all."""
        self._writer.count_in_batches(increments, now=now, most_series=self.most_series)

    def delete(self, projects: Iterable[int]) -> int:
        """Delete all keys of the projects, including their states, and return how many. Raises Unsettled."""
        return self.tombstones.delete(projects)

    # --- reading ---------------------------------------------------------------------------------------------

    def retention(self, projects: Sequence[int], *, now: int) -> Retention:
        """Return since when each rollup is complete for all of these projects; `now` is in nanoseconds."""
        return self.states.retention(projects, now=now)

    def get_range(
        self, series: Sequence[Series], window: Window, *, now: int, since: int | None = None, seen: Seen | None = None
    ) -> dict[Series, Counts]:
        """Return the counts of each series, one for each bucket of the window, ascending. One round trip.

        `since` and `seen` are Beliefs.
        """
        found = self._reader.counts(series, window, now=now, since=since, seen=seen)
        zeros = (0,) * window.points
        return {one: zeros if counts is None else counts for one, counts in zip(series, found, strict=True)}

    def get_added(self, series: Sequence[Series], window: Window, *, now: int, **beliefs: Unpack[Beliefs]) -> list[int]:
        """Return the sums of all the series, one for each bucket of the window, ascending. One round trip."""
        groups = [None] * len(series)
        sums = self.get_grouped(series, groups, window, now=now, **beliefs)
        return sums.get(None) or [0] * window.points

    def get_added_by_project(
        self, series: Sequence[Series], window: Window, *, now: int, **beliefs: Unpack[Beliefs]
    ) -> dict[int, list[int]]:
        """Return the sums of each project that has a ring, one for each bucket, ascending. One round trip."""
        projects = [one.project for one in series]
        return self.get_grouped(series, projects, window, now=now, **beliefs)

    def get_grouped(
        self,
        series: Sequence[Series],
        groups: Sequence[AnyGroup],
        window: Window,
        *,
        now: int,
        **beliefs: Unpack[Beliefs],
    ) -> dict[AnyGroup, list[int]]:
        """Return the sums of each group that has a ring, one for each bucket of the window, ascending.

        `groups` has the group of each series, in the order of the series. One round trip, or several for many series.
        """
        held = window.held(now)
        try:
            sums = self._reader.added(series, groups, held, now=now, **beliefs)
        except (Unsettled, Outdated):
            raise
        except RedisError as error:
            stamp = beliefs.get("stamp")
            if stamp is None or self.clients.read.READS_AT_ONCE:
                raise
            raise self.stamps.without(stamp) from error
        return {group: window.widen(counts, held) for group, counts in sums.items()}

    def get_sums(self, series: Sequence[Series], window: Window, *, now: int) -> dict[Series, int]:
        """Return the sum of each series over the window. One round trip."""
        return {one: sum(counts) for one, counts in self.get_range(series, window, now=now).items()}

    def series_of(self, project: int) -> list[str]:
        """Return the names of the project's series that were ever counted into, sorted. Raises Unsettled."""
        return self.series_of_many([project])[project]

    def names_of(self, project: int) -> list[str]:
        """Return the names that series_of returns, even if a change of the project is unfinished."""
        names = self.clients.write.execute_command("SMEMBERS", index_key(project))
        return sorted(name.decode() for name in names)

    def series_of_many(self, projects: Sequence[int]) -> dict[int, list[str]]:
        """Return the names that series_of returns, for each of the projects. One round trip. Raises Unsettled."""
        number = len(projects)
        commands = [("GET", state_key(project)) for project in projects]
        found = self._together([*commands, *(("SMEMBERS", index_key(project)) for project in projects)])
        self.states.verify(projects, found[:number])
        return {
            project: sorted(name.decode() for name in names)
            for project, names in zip(projects, found[number:], strict=True)
        }

    def fact_names(self, projects: Sequence[int], most: int) -> tuple[int, Index | None]:
        """Return the names of the projects' facts, unless the projects have more than `most` series together.

        In that case the names are None, and the number says how many series there are. One round trip; a cluster needs
        two. Raises Unsettled.
        """
        return self._reader.fact_names(projects, most)

    def unknown_categories(self, projects: Sequence[int]) -> set[str]:
        """Return the categories that are not known and that any of the projects ever counted. One round trip."""
        found = self._together([("SMEMBERS", categories_key(project)) for project in projects])
        return {decoded(word.decode()) for words in found for word in words}

    def room_for_words(self, project: int) -> RoomForWords:
        """Return the words of the project that are not known, and its room for more. One round trip."""
        keys = categories_key(project), reasons_key(project)
        found = none_failed(self.clients.write.together([("SMEMBERS", key) for key in keys]))
        return RoomForWords(*([word.decode() for word in words] for words in found))

    def running_totals(self, projects: Sequence[int]) -> dict[int, RunningTotals]:
        """Return the totals of all that each project ever counted. One round trip."""
        found = self._together([("HGETALL", running_key(project)) for project in projects])
        return {project: read_running(fields) for project, fields in zip(projects, found, strict=True)}

    def eviction_policy(self) -> str:
        """Return Redis' maxmemory-policy. Any but noeviction could delete counts, since every ring has an expiry.

        On a cluster this is noeviction only if every master has it.
        """
        policies = {str(server.info("memory")["maxmemory_policy"]) for server in self.clients.read.servers()}
        return min(policies, key=lambda policy: policy == "noeviction")

    @staticmethod
    def rollup(ranges: Mapping[Series, Sequence[tuple[int, int]]], seconds: int) -> dict[Series, list[tuple[int, int]]]:
        """Return each series' (timestamp, count) pairs added up into coarser buckets of `seconds`."""
        return {series: roll_up(pairs, seconds) for series, pairs in ranges.items()}

    # --- helpers ---------------------------------------------------------------------------------------------

    def _together(self, commands: Sequence[Sequence[str]]) -> list[Any]:
        return none_failed(self.clients.read.together(commands))
