"""Counting what a request of intake brings, in one script and one round trip (tsdb/lua/intake.lua)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from redis.exceptions import ConnectionError as RedisConnectionError

from tsdb.outcomes import Outcome
from tsdb.scripts import Call, Script
from tsdb.series import Series, claim_key, index_key, quota_key, running_key, state_key
from tsdb.store import Increment, ProjectClosed, Store


@dataclass(frozen=True, slots=True)
class Quota:
    """`limit` accepted errors in each `window` of seconds, for the key with the numeric id `key`."""

    key: int
    limit: int
    window: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """What one request brings into a project.

    id: of the event, or None where nothing in it has one; a repeat of an id is not counted again.
    outcome: what becomes of the event unless the quota refuses it: accepted or filtered.
    series: what counts that outcome; none where there is no event.
    refusal: what counts the event instead when the quota refuses it.
    others: what is counted in any case.
    """

    id: str | None
    outcome: Outcome
    series: Sequence[Series] = ()
    quota: Quota | None = None
    refusal: Sequence[Series] = ()
    others: Sequence[Increment] = ()


class Intake:
    """Counts arrivals into the store. An id is remembered for `dedupe_seconds`; 0: not at all."""

    def __init__(self, store: Store, dedupe_seconds: int) -> None:
        self._store = store
        self._dedupe_seconds = dedupe_seconds
        self._script = Script("intake", store.rollups)

    def count(self, project: int, version: str, arrival: Arrival, *, now: int) -> Outcome:
        """The outcome of the event (accepted where there is none). All of the arrival is counted, or nothing.

        Raises ProjectClosed where the project has another version than `version`: what the caller knows of it is old.
        Raises redis.exceptions.RedisError when it cannot be counted.
        """
        call = self._call(project, version, arrival, now)
        client = self._store.clients.write
        try:
            answer = self._script.run(client, call)
        except RedisConnectionError:
            # The first try may have counted. With an id a second one is safe; without, it could count twice.
            if not (arrival.id and self._dedupe_seconds):
                raise
            answer = self._script.run(client, call)
        if answer == b"stale":
            raise ProjectClosed([project])
        return Outcome(answer.decode())

    def _call(self, project: int, version: str, arrival: Arrival, now: int) -> Call:
        claimed = self._dedupe_seconds if arrival.id else 0
        quota = arrival.quota
        keys = [state_key(project), index_key(project), running_key(project), claim_key(project, arrival.id or "")]
        keys.append(quota_key(project, quota.key, quota.window, now) if quota else keys[0])
        args: list[str | bytes | int] = [now, version, claimed, arrival.outcome.value]
        args += (quota.limit, quota.window) if quota else (-1, 0)
        args += (len(arrival.series), len(arrival.refusal))
        for series in (*arrival.series, *arrival.refusal):
            keys += [series.key(rollup) for rollup in self._store.rollups]
            args += (series.name, 1, now, 1)
        for increment in arrival.others:
            keys += [increment.series.key(rollup) for rollup in self._store.rollups]
            args += (increment.series.name, 1, increment.timestamp, increment.amount)
        return Call(keys, args)
