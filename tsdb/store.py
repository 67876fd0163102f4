"""The store: counts into rings, and reads them.

A series is kept as one ring a rollup (tsdb/ring.py draws it), and every write is one Lua script a project (tsdb/lua),
so an event is counted into all of its series and rollups or into none of them.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import add
from typing import Any, NamedTuple

from redis.exceptions import RedisError

from tsdb import ring
from tsdb.client import Clients
from tsdb.rollups import INTEGER_BYTES, Rollup, check_rollups
from tsdb.scripts import Call, Script
from tsdb.series import Series, claim_key, index_key, parse_running, running_key, state_key
from tsdb.timeline import Window, roll_up

LARGEST = 2 ** (8 * INTEGER_BYTES - 1) - 1
"""Where a count stops growing."""

BATCH = 2000
"""Increments a script call of the bulk path; one call then takes a few milliseconds of Redis' time."""

MOVE_SECONDS = 30 * 86400
"""How long an interrupted move may wait to be run again without being added twice."""


class Increment(NamedTuple):
    """`amount` (1 .. 2**63 - 1) events of a series at `timestamp` (whole seconds since the epoch, not negative)."""

    series: Series
    timestamp: int
    amount: int = 1


class Claim(NamedTuple):
    """Makes a write idempotent: `id` (safe in a key) is taken once in `seconds`, for what `value` stands for."""

    id: str
    value: str
    seconds: int


class ProjectClosed(Exception):
    """These projects may not be counted into: deleted, or not opened yet. Nothing of theirs was counted."""

    def __init__(self, projects: Iterable[int]) -> None:
        self.projects = sorted(projects)
        super().__init__(f"closed: {self.projects}")


class ClaimConflict(Exception):
    """The claim's id was taken for another value. Nothing was counted."""


class Store:
    """Counts and reads the series of any number of projects.

    Every method raises redis.exceptions.RedisError when Redis cannot be reached or refuses. `now` is the caller's one
    clock, whole seconds since the epoch; it decides what is still retained.
    """

    def __init__(self, clients: Clients, rollups: Sequence[Rollup]) -> None:
        check_rollups(tuple(rollups))
        self.clients = clients
        self.rollups = tuple(rollups)
        self._count = Script("count", self.rollups)
        self._take = Script("take", self.rollups)
        self._put = Script("put", self.rollups)
        self._drop = Script("drop", self.rollups)

    # --- writing ---------------------------------------------------------------------------------------------

    def open(self, project: int) -> str:
        """Lets a project be counted into until it is closed; returns its version, a new one only if it was closed."""
        fresh = secrets.token_hex(8)
        found = self.clients.write.set(state_key(project), fresh, nx=True, get=True)
        return fresh if found is None else _raw(found).decode()

    def close(self, project: int) -> None:
        """Nothing is counted into the project until it is opened; whoever knows its version learns that it is old."""
        self.clients.write.delete(state_key(project))

    def version(self, project: int) -> str | None:
        """The version of an open project; None: it is closed."""
        found = self.clients.read.get(state_key(project))
        return None if found is None else _raw(found).decode()

    def incr(self, series: Sequence[Series], timestamp: int, *, now: int, amount: int = 1) -> None:
        """Counts one thing into several series of one project, atomically."""
        self.incr_multi([Increment(one, timestamp, amount) for one in series], now=now)

    def incr_multi(self, increments: Iterable[Increment], *, now: int, claim: Claim | None = None) -> bool:
        """Counts many increments: equal ones are added up first, then each project's are one atomic script.

        With a claim all increments must be of one project; returns False when that claim had been counted before.
        Raises ValueError for an amount or timestamp out of range before anything is counted, ProjectClosed (all other
        projects were counted), ClaimConflict.
        """
        by_project = self._added_up(increments)
        if claim and len(by_project) > 1:
            raise ValueError("a claim is of one project")
        calls = [self._count_call(project, of_series, now, claim) for project, of_series in by_project.items()]
        if not calls:
            return True
        if len(calls) == 1:
            answers = [self._count.run(self.clients.write, calls[0])]
        else:
            answers = self._count.run_many(self.clients.write, calls)
        return self._verdict(list(by_project), answers)

    def incr_bulk(self, increments: Iterable[Increment], *, now: int) -> None:
        """As incr_multi without a claim, for any number of increments: in batches, so it is not atomic as a whole."""
        by_project = self._added_up(increments)
        for project, of_series in by_project.items():
            batch: dict[Series, dict[int, int]] = {}
            room = BATCH
            for series, amounts in of_series.items():
                pairs = list(amounts.items())
                while pairs:
                    part, pairs = pairs[:room], pairs[room:]
                    batch[series] = dict(part)
                    room -= len(part)
                    if room == 0:
                        self._send_batch(project, batch, now)
                        batch, room = {}, BATCH
            if batch:
                self._send_batch(project, batch, now)

    def merge(self, destination: Series, sources: Sequence[Series], *, gone: Collection[int] = ()) -> None:
        """Moves the counts of the sources into the destination, bucket by bucket; the sources are gone then.

        When it is interrupted, running it again finishes the move: nothing is lost and nothing is added twice. What
        was on its way to another destination then arrives there, unless that one's project is in `gone`. Raises
        ProjectClosed where a series' project may not be counted into.
        """
        projects = {destination.project, *(source.project for source in sources)}
        closed = [project for project in projects if not self.clients.write.exists(state_key(project))]
        if closed:
            raise ProjectClosed(closed)
        for source in sources:
            if source != destination:
                # First what an interrupted move left on its way, then what was counted into the source since.
                self._move(destination, source, gone)
                self._move(destination, source, gone)

    def delete(self, projects: Iterable[int]) -> int:
        """Closes the projects and deletes every key of theirs; returns how many keys went. Reads all key names once."""
        doomed = {str(project).encode() for project in projects}
        if not doomed:
            return 0
        client = self.clients.write
        # The state goes first: from then on no script counts into the project, so no key can come back.
        gone = int(client.delete(*(state_key(int(project)) for project in doomed)))
        # In a cluster a slot may move past a scan. What that could miss expires, but for these two.
        gone += int(client.delete(*(key(int(project)) for project in doomed for key in (index_key, running_key))))
        pattern = f"ts:{{{next(iter(doomed)).decode()}}}:*" if len(doomed) == 1 else "ts:{*"
        for server in client.servers():
            cursor = -1
            while cursor != 0:
                cursor, keys = server.scan(max(cursor, 0), match=pattern, count=1000)
                mine = [key for key in map(_raw, keys) if key[4:].partition(b"}")[0] in doomed]
                if mine:
                    gone += int(client.unlink(*mine))
        return gone

    # --- reading ---------------------------------------------------------------------------------------------

    def get_range(self, series: Sequence[Series], window: Window, *, now: int) -> dict[Series, tuple[int, ...]]:
        """The counts of each series over the window's buckets, ascending. One round trip."""
        oldest = window.rollup.oldest_bucket(now)
        rings = self._rings(series, window.rollup)
        return {one: ring.read(raw, window, oldest) for one, raw in zip(series, rings, strict=True)}

    def get_added(self, series: Sequence[Series], window: Window, *, now: int) -> list[int]:
        """The counts of all the series together, a bucket of the window each, ascending. One round trip."""
        return _added(self._rings(series, window.rollup), window, now)

    def get_added_by_project(self, series: Sequence[Series], window: Window, *, now: int) -> dict[int, list[int]]:
        """The same of each project that a series is of. One round trip."""
        rings: dict[int, list[bytes | None]] = {}
        for one, raw in zip(series, self._rings(series, window.rollup), strict=True):
            rings.setdefault(one.project, []).append(raw)
        return {project: _added(of_project, window, now) for project, of_project in rings.items()}

    def get_sums(self, series: Sequence[Series], window: Window, *, now: int) -> dict[Series, int]:
        """The sum of each series over the window. One round trip."""
        return {one: sum(counts) for one, counts in self.get_range(series, window, now=now).items()}

    def series_of(self, project: int) -> list[str]:
        """The names of the project's series that were ever counted into, sorted."""
        return self.series_of_many([project])[project]

    def series_of_many(self, projects: Sequence[int]) -> dict[int, list[str]]:
        """The same of many projects. One round trip."""
        found = self._ask_of_each("SMEMBERS", map(index_key, projects))
        return {
            project: sorted(name.decode() for name in names) for project, names in zip(projects, found, strict=True)
        }

    def running_totals(self, projects: Sequence[int]) -> dict[int, dict[tuple[str, str], int]]:
        """What was ever counted of each project, by (category, outcome). One round trip."""
        found = self._ask_of_each("HGETALL", map(running_key, projects))
        return {
            project: {parse_running(field): int(total) for field, total in totals.items()}
            for project, totals in zip(projects, found, strict=True)
        }

    def eviction_policy(self) -> str:
        """Redis' maxmemory-policy; any but noeviction would let counts vanish, since every ring has an expiry."""
        policies = {str(server.info("memory")["maxmemory_policy"]) for server in self.clients.read.servers()}
        return min(policies, key=lambda policy: policy == "noeviction")

    @staticmethod
    def rollup(ranges: Mapping[Series, Sequence[tuple[int, int]]], seconds: int) -> dict[Series, list[tuple[int, int]]]:
        """Adds each series' (timestamp, count) pairs up into coarser buckets of `seconds`."""
        return {series: roll_up(pairs, seconds) for series, pairs in ranges.items()}

    # --- helpers ---------------------------------------------------------------------------------------------

    def _rings(self, series: Sequence[Series], rollup: Rollup) -> list[bytes | None]:
        return self.clients.read.get_many([one.key(rollup) for one in series])

    def _ask_of_each(self, command: str, keys: Iterable[str]) -> list[Any]:
        answers = self.clients.read.together([(command, key) for key in keys])
        for answer in answers:
            if isinstance(answer, RedisError):
                raise answer
        return answers

    def _added_up(self, increments: Iterable[Increment]) -> dict[int, dict[Series, dict[int, int]]]:
        """project -> series -> start of the finest bucket -> amount."""
        finest = self.rollups[0].seconds
        by_project: dict[int, dict[Series, dict[int, int]]] = {}
        for series, timestamp, amount in increments:
            if timestamp < 0 or not 1 <= amount <= LARGEST:
                raise ValueError(f"cannot count {amount} at {timestamp}")
            amounts = by_project.setdefault(series.project, {}).setdefault(series, {})
            start = timestamp - timestamp % finest
            amounts[start] = min(amounts.get(start, 0) + amount, LARGEST)
        return by_project

    def _count_call(
        self, project: int, of_series: Mapping[Series, Mapping[int, int]], now: int, claim: Claim | None
    ) -> Call:
        keys = [state_key(project), index_key(project), running_key(project)]
        keys.append(claim_key(project, claim.id if claim else ""))
        args: list[str | bytes | int] = [now, claim.value if claim else "", claim.seconds if claim else 0]
        for series, amounts in of_series.items():
            keys += [series.key(rollup) for rollup in self.rollups]
            args += [series.name, len(amounts)]
            for pair in amounts.items():
                args += pair
        return Call(keys, args)

    def _send_batch(self, project: int, batch: Mapping[Series, Mapping[int, int]], now: int) -> None:
        self._verdict([project], [self._count.run(self.clients.write, self._count_call(project, batch, now, None))])

    def _verdict(self, projects: Sequence[int], answers: Sequence[object]) -> bool:
        for answer in answers:
            if isinstance(answer, RedisError):
                raise answer
        closed = [project for project, answer in zip(projects, answers, strict=True) if answer == b"closed"]
        if closed:
            raise ProjectClosed(closed)
        if b"conflict" in answers:
            raise ClaimConflict
        return b"repeat" not in answers

    def _move(self, destination: Series, source: Series, gone: Collection[int]) -> None:
        places = [key for rollup in self.rollups for key in (source.key(rollup), source.moving_key(rollup))]
        state, index = state_key(source.project), index_key(source.project)
        target = f"{destination.project}:{destination.name}"
        taken = self._take.run(
            self.clients.write, Call([state, index, *places], [secrets.token_hex(16), source.name, target])
        )
        if taken == b"closed":
            raise ProjectClosed([source.project])
        for place, (rollup, found) in enumerate(zip(self.rollups, taken, strict=True), start=1):
            if found:
                token, raw, into = found
                project, _, name = into.decode().partition(":")
                goal = destination if int(project) in gone else Series(int(project), name)
                self._put_ring(goal, place, rollup, token.decode(), raw)
                arrived = Call([index, source.moving_key(rollup), *places], [token, source.name])
                self._drop.run(self.clients.write, arrived)

    def _put_ring(self, destination: Series, place: int, rollup: Rollup, token: str, raw: bytes) -> None:
        project = destination.project
        keys = [
            state_key(project),
            index_key(project),
            claim_key(project, f"{token}:{rollup.name}"),
            destination.key(rollup),
        ]
        args: list[str | bytes | int] = [place, "moved", MOVE_SECONDS, destination.name]
        for pair in ring.buckets(raw, rollup):
            args += pair
        if self._put.run(self.clients.write, Call(keys, args)) == b"closed":
            raise ProjectClosed([project])


def _added(rings: Iterable[bytes | None], window: Window, now: int) -> list[int]:
    held, oldest = window.held(now), window.rollup.oldest_bucket(now)
    found = [raw for raw in rings if raw is not None]
    added = list(ring.read(found[0] if found else None, held, oldest))
    for raw in found[1:]:
        added = list(map(add, added, ring.read(raw, held, oldest)))
    return window.widen(added, held)


def _raw(answer: object) -> bytes:
    """What the clients answer is bytes always, as tsdb/client.py makes them; the types of redis-py allow more."""
    assert isinstance(answer, bytes)  # noqa: S101
    return answer
