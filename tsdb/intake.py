"""Counting what a request of intake brings, in one script and one round trip (tsdb/lua/intake.lua).

What a failure means, declared here for all of intake: the quotas lie beside the counts and are asked in the same
script, so there is no store of quotas that could fail alone, and nothing to fail open or closed. Where a quota cannot
be asked, nothing is counted, no id is remembered, nothing is taken from the quota, and RedisError is raised, which is
answered 503: no event slips past a quota, and none is refused because Redis is away.

Where the answer of Redis is lost, the script is run once more. That is safe always: an arrival without an id that is
remembered is given one for the time that this takes.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from redis.exceptions import ConnectionError as RedisConnectionError

from tsdb.outcomes import Outcome
from tsdb.scripts import Call, Script
from tsdb.series import Series, claim_key, index_key, quota_key, running_key, state_key
from tsdb.store import Increment, ProjectClosed, Store

REPEAT_SECONDS = 10
"""How long a count without an id is known again: longer than two tries take."""


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
            answer = self._script.run(client, call)  # the first try may have counted; the claim makes this safe
        if answer == b"stale":
            raise ProjectClosed([project])
        return Outcome(answer.decode())

    def _call(self, project: int, version: str, arrival: Arrival, now: int) -> Call:
        if arrival.id and self._dedupe_seconds:
            claim, claimed = arrival.id, self._dedupe_seconds
        else:
            claim, claimed = secrets.token_hex(16), REPEAT_SECONDS
        quota = arrival.quota
        keys = [state_key(project), index_key(project), running_key(project), claim_key(project, claim)]
        keys.append(quota_key(project, quota.key, quota.window, now) if quota else keys[0])
        args: list[str | bytes | int] = [now, version, claimed, arrival.outcome.value]
        args += (quota.limit, quota.window) if quota else (-1, 0)
        args += (len(arrival.series), len(arrival.refusal))
        for series in (*arrival.series, *arrival.refusal):
            keys += [series.key(rollup) for rollup in self._store.rollups]
            args += (series.name, 1, now, 1)
        others: Counter[tuple[Series, int]] = Counter()  # a hundred sessions cost as much as one
        for series, timestamp, amount in arrival.others:
            others[series, timestamp] += amount
        for (series, timestamp), amount in others.items():
            keys += [series.key(rollup) for rollup in self._store.rollups]
            args += (series.name, 1, timestamp, amount)
        return Call(keys, args)
