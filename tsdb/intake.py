"""Counting what one request of intake brings, with one script in one round trip (tsdb/lua/intake.lua).

What a failure means for all of intake: quotas are kept beside the counts and checked in the same script, so a store of
quotas cannot fail alone, and nothing has to fail open or closed. If Redis fails, nothing is counted, no id is
remembered, nothing is taken from a quota, and RedisError is raised, which is answered 503. No event gets past a quota,
and none is refused because Redis is away.

If the answer of Redis is lost, the script is run once more. This is always safe, because every submission has a token
of its own. If the event has no id or was refused, the token says that this submission was counted before.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError

from tsdb.outcomes import Outcome
from tsdb.room import moved_to_spare, without_room
from tsdb.scripts import Call, Script
from tsdb.series import Series, claim_key, index_key, quota_key, running_key, state_key
from tsdb.store import Increment, ProjectClosed, Store

REPEAT_SECONDS = 10
"""How long the token of a submission is remembered: longer than all its tries take."""


@dataclass(frozen=True, slots=True)
class Quota:
    """At most `limit` accepted errors in each window of `window` seconds, for the key with the numeric id `key`."""

    key: int
    limit: int
    window: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """What one request brings into a project.

    id: the id of the event, or None if the request has no event with an id. An id that was counted is not counted
        again, whatever is left of the quota. The id of a refused event is not remembered, so it may be sent again.
    outcome: the outcome of the event unless the quota refuses it: accepted or filtered.
    counted: increments for the event, and for all that has the same outcome as the event. Empty if there is no event.
    quota: the quota of the key, or None if the key has none.
    refused: increments of rate_limited, which are counted instead of `counted` if the quota refuses the event.
    others: increments that are counted in any case.
    """

    id: str | None
    outcome: Outcome
    counted: Sequence[Increment] = ()
    quota: Quota | None = None
    refused: Sequence[Increment] = ()
    others: Sequence[Increment] = ()


def new_submission() -> str:
    """Return a new token for one submission. All tries to count the submission carry the same token."""
    return secrets.token_hex(16)


class Intake:
    """Counts arrivals into the store. The id of an event is remembered for `dedupe_seconds`; 0 means not at all."""

    def __init__(self, store: Store, dedupe_seconds: int) -> None:
        self._store = store
        self._dedupe_seconds = dedupe_seconds
        self._script = Script("intake", store.rollups)

    def count(self, project: int, version: str, arrival: Arrival, submission: str, *, now: int) -> Outcome:
        """Count all of the arrival or nothing, and return the outcome of the event (accepted if there is none).

        `version` is the version of the project that the caller knows. It can be called again with the same `submission`
        (see new_submission) for REPEAT_SECONDS: what was counted is not counted again. Raises ProjectClosed if the
        project has another version, so what the caller knows is old. Raises redis.exceptions.RedisError if it cannot
        be counted.
        """
        increments = [*arrival.counted, *arrival.refused, *_added_up(arrival.others)]
        answer = self._run(self._call(project, version, arrival, increments, submission, now, self._store.most_series))
        numbers = without_room(answer)
        if numbers is not None:
            moved = moved_to_spare((one.series for one in increments), numbers)
            increments = [one._replace(series=series) for one, series in zip(increments, moved, strict=True)]
            answer = self._run(self._call(project, version, arrival, increments, submission, now, 0))
        if answer == b"stale":
            raise ProjectClosed([project])
        return Outcome(answer.decode())

    def _run(self, call: Call) -> Any:
        client = self._store.clients.write
        try:
            return self._script.run(client, call)
        except RedisConnectionError:
            return self._script.run(client, call)  # the first try may have counted; claims make this safe

    def _call(
        self,
        project: int,
        version: str,
        arrival: Arrival,
        increments: Sequence[Increment],
        submission: str,
        now: int,
        most_series: int,
    ) -> Call:
        event, remembered = submission, REPEAT_SECONDS
        if arrival.id and self._dedupe_seconds:
            event, remembered = arrival.id, self._dedupe_seconds
        quota = arrival.quota
        keys = [state_key(project), index_key(project), running_key(project)]
        keys += (claim_key(project, submission), claim_key(project, event))
        keys.append(quota_key(project, quota.key, quota.window, now) if quota else keys[0])
        args: list[str | bytes | int] = [now, version, REPEAT_SECONDS, remembered, arrival.outcome.value]
        args += (quota.limit, quota.window) if quota else (-1, 0)
        args += (len(arrival.counted), len(arrival.refused), most_series)
        for series, timestamp, amount in increments:
            keys += [series.key(rollup) for rollup in self._store.rollups]
            args += (series.name, 1, timestamp, amount)
        return Call(keys, args)


def _added_up(increments: Sequence[Increment]) -> list[Increment]:
    """Return the increments with equal series and timestamps added up, so that 100 sessions cost as much as one."""
    amounts: Counter[tuple[Series, int]] = Counter()
    for series, timestamp, amount in increments:
        amounts[series, timestamp] += amount
    return [Increment(series, timestamp, amount) for (series, timestamp), amount in amounts.items()]
