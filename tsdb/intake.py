"""Counting what a request of intake brings, in one script and one round trip (tsdb/lua/intake.lua).

What a failure means, declared here for all of intake: the quotas lie beside the counts and are asked in the same
script, so there is no store of quotas that could fail alone, and nothing to fail open or closed. Where a quota cannot
be asked, nothing is counted, no id is remembered, nothing is taken from the quota, and RedisError is raised, which is
answered 503: no event slips past a quota, and none is refused because Redis is away.

Where the answer of Redis is lost, the script is run once more. That is safe always, because every submission has a
token of its own: where the event has no id, or was refused, the token says that this submission was counted.
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
"""How long a submission is known again by its token: longer than its tries take."""


@dataclass(frozen=True, slots=True)
class Quota:
    """`limit` accepted errors in each `window` of seconds, for the key with the numeric id `key`."""

    key: int
    limit: int
    window: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """What one request brings into a project.

    id: of the event, or None where nothing in it has one; a repeat of an id that was counted is not counted again,
        whatever is left of the quota. A refused event's id is not remembered: it may be sent again.
    outcome: what becomes of the event unless the quota refuses it: accepted or filtered.
    counted: the event, and what shares its fate, under that outcome; none where there is no event.
    refused: the same under rate_limited, counted instead when the quota refuses the event.
    others: what is counted in any case.
    """

    id: str | None
    outcome: Outcome
    counted: Sequence[Increment] = ()
    quota: Quota | None = None
    refused: Sequence[Increment] = ()
    others: Sequence[Increment] = ()


def new_submission() -> str:
    """A token for one submission; all tries to count it carry the same."""
    return secrets.token_hex(16)


class Intake:
    """Counts arrivals into the store. An id is remembered for `dedupe_seconds`; 0: not at all."""

    def __init__(self, store: Store, dedupe_seconds: int) -> None:
        self._store = store
        self._dedupe_seconds = dedupe_seconds
        self._script = Script("intake", store.rollups)

    def count(self, project: int, version: str, arrival: Arrival, submission: str, *, now: int) -> Outcome:
        """The outcome of the event (accepted where there is none). All of the arrival is counted, or nothing.

        With the same `submission` (see new_submission) it can be called again while REPEAT_SECONDS last: what was
        counted is not counted again. Raises ProjectClosed where the project has another version than `version`: what
        the caller knows of it is old. Raises redis.exceptions.RedisError when it cannot be counted.
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
            return self._script.run(client, call)  # the first try may have counted; the claims make this safe

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
    """A hundred sessions cost as much as one."""
    amounts: Counter[tuple[Series, int]] = Counter()
    for series, timestamp, amount in increments:
        amounts[series, timestamp] += amount
    return [Increment(series, timestamp, amount) for (series, timestamp), amount in amounts.items()]
