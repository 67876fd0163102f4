"""Counting what requests of intake bring: arrivals that wait at the same time are counted by one script a project.

The script (tsdb/lua/intake.lua) decides each arrival as if it had come alone, and adds up what they count. All calls of
scripts go to Redis in one round trip: the nodes of a cluster are asked at the same time.

What a failure means for all of intake: quotas are kept beside the counts and checked in the same script, so a store of
quotas cannot fail alone, and nothing has to fail open or closed. If Redis fails, nothing is counted, no id is
remembered, nothing is taken from a quota, and the answer is a RedisError, which is answered 503. No event gets past a
quota, and none is refused because Redis is away.

If the answer of Redis is lost, the script is run once more. This is always safe, because every submission has a token
of its own. If the event has no id or was refused, the token says that this submission was counted before.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from tsdb.arrivals import Arrival, Sent
from tsdb.outcomes import Outcome
from tsdb.rollups import LARGEST
from tsdb.room import Refusal, refusal
from tsdb.scripts import Call, Script
from tsdb.series import (
    Series,
    Words,
    categories_key,
    claim_key,
    index_key,
    quota_key,
    reasons_key,
    running_key,
    state_key,
    unknown_words,
)
from tsdb.store import Increment, ProjectClosed, Store

REPEAT_SECONDS = 10
"""How long the token of a submission is remembered: longer than all its tries take."""

MOST_ARRIVALS = 100
"""The most arrivals that one call of the script counts."""

MOST_INCREMENTS = 1000
"""The most different increments of one call: a millisecond or two of Redis' time. An arrival with more goes alone."""

MOST_SERIES = 1_000_000
"""More series than one call can have. A cell is a series at a time (tsdb/lua/intake.lua)."""

UNKNOWN = 9
"""The place of the argument that says how many series have words that are not known."""

LONGEST_WINDOW = 10**9
"""The longest window of a quota, in seconds. Redis refuses an expiry that is too long."""

REMEMBERED_SERIES = 10_000
"""For how many series a process keeps the keys of their rings."""


class _Remembered(NamedTuple):
    """The keys of a series' rings, and its words that are not known, if there are any."""

    rings: list[str]
    words: Words | None


class Intake:
    """Counts arrivals into the store. The id of an event is remembered for `dedupe_seconds`; 0 means not at all."""

    def __init__(self, store: Store, dedupe_seconds: int) -> None:
        self._store = store
        self._dedupe_seconds = dedupe_seconds
        self._script = Script("intake", store.rollups)
        self._remembered = lru_cache(REMEMBERED_SERIES)(
            lambda series: _Remembered([series.key(rollup) for rollup in store.rollups], unknown_words(series))
        )

    def count(self, project: int, version: str, arrival: Arrival, submission: str, *, now: int) -> Outcome:
        """Count one arrival as count_together does. Raises what that returns."""
        [answer] = self.count_together([Sent(project, version, arrival, submission, now)])
        if isinstance(answer, Exception):
            raise answer
        return answer

    def count_together(self, sent: Sequence[Sent]) -> list[Outcome | Exception]:
        """Count arrivals in their order, and return what became of each.

        Each is counted whole or not at all. The answer is the outcome of its event (accepted if there is none), or
        ProjectClosed if the project has another version, so what the caller knows is old; ValueError for an amount, a
        time, an id or a quota that cannot be counted; or the RedisError because of which it was not counted. An answer
        says nothing about the other arrivals.
        """
        answers: list[Outcome | Exception] = [Outcome.ACCEPTED] * len(sent)
        batches: list[_Batch] = []
        latest: dict[tuple[int, str], _Batch] = {}
        for place, one in enumerate(sent):
            batch = latest.get((one.project, one.version))
            try:
                if batch is None or not batch.takes(one, place):
                    batch = _Batch(one.project, one.version, self._dedupe_seconds)
                    batch.takes(one, place)
                    batches.append(batch)
                    latest[one.project, one.version] = batch
            except ValueError as error:
                answers[place] = error
        for batch, answer in zip(batches, self._count(batches), strict=True):
            for place, outcome in zip(batch.places, batch.outcomes(answer), strict=True):
                answers[place] = outcome
        return answers

    def _count(self, batches: Sequence[_Batch]) -> list[Any]:
        """Return the script's answer for each batch, after counting elsewhere what had no room (tsdb/room.py)."""
        answers, batches = self._run([self._call(batch) for batch in batches]), list(batches)
        while crowded := {place: refused for place, answer in enumerate(answers) if (refused := refusal(answer))}:
            for place, refused in crowded.items():
                batches[place] = batches[place].moved(refused)
            again = self._run([self._call(batches[place]) for place in crowded])
            for place, answer in zip(crowded, again, strict=True):
                answers[place] = answer
        return answers

    def _run(self, calls: Sequence[Call]) -> list[Any]:
        """Run the script for each call. If the answer of a call was lost, run it once more."""
        answers = self._try(calls)
        lost = [place for place, answer in enumerate(answers) if isinstance(answer, RedisConnectionError)]
        if lost:  # the first try may have counted; claims make this safe
            for place, answer in zip(lost, self._try([calls[place] for place in lost]), strict=True):
                answers[place] = answer
        return answers

    def _try(self, calls: Sequence[Call]) -> list[Any]:
        """Return the script's answer for each call. A RedisError stands in the place of a call that failed."""
        client = self._store.clients.write
        try:
            if len(calls) == 1:
                return [self._script.run(client, calls[0])]
            return self._script.run_many(client, calls) if calls else []
        except RedisError as error:
            return [error] * len(calls)

    def _call(self, batch: _Batch) -> Call:
        keys, args = batch.keys_and_args(self._store.most_series)
        unknown = 0
        for number, series in enumerate(batch.series, start=1):
            rings, words = self._remembered(series)
            keys += rings
            if words:
                args += (number, *words)
                unknown += 1
        if unknown:
            args[UNKNOWN] = unknown
            keys += [categories_key(batch.project), reasons_key(batch.project)]
        return Call(keys, args)


class _Batch:
    """Arrivals of one project under one version, which one call of the script counts."""

    def __init__(self, project: int, version: str, dedupe_seconds: int, moved: Mapping[Series, Series] = {}) -> None:
        """`moved` says under which series others are counted."""
        self.project = project
        self.places: list[int] = []
        self.series: dict[Series, int] = {}
        self._version = version
        self._dedupe_seconds = dedupe_seconds
        self._moved = moved
        self._sent: list[Sent] = []
        self._now = 0
        self._claims: list[str] = []
        self._start = claim_key(project, "")
        self._increments = 0
        self._times: dict[int, int] = {}
        self._quotas: dict[str, tuple[int, int]] = {}
        self._kinds: dict[Hashable, int] = {}
        self._kind_args: list[str | int] = []
        self._kind_of_each: list[int] = []

    def takes(self, one: Sent, place: int) -> bool:
        """Add the arrival, whose answer has that place, unless the call would become too large.

        Returns whether it was added. Raises ValueError if it cannot be counted.
        """
        if len(self.places) == MOST_ARRIVALS:
            return False
        arrival, now = one.arrival, one.now
        submission = event = self._start + one.submission
        if arrival.id and self._dedupe_seconds:
            if not arrival.id.isascii():
                raise ValueError("an id must be ASCII")
            event = self._start + arrival.id
        increments = (tuple(arrival.counted), tuple(arrival.refused), tuple(arrival.others))
        kind = (arrival.outcome, arrival.quota, arrival.quota and now, increments)
        begin = self._kinds.get(kind)
        if begin is None:
            size = sum(map(len, increments))
            if self.places and self._increments + size > MOST_INCREMENTS:
                return False
            begin = self._kinds[kind] = self._add_kind(arrival, now)
            self._increments += size
        self.places.append(place)
        self._sent.append(one)
        self._claims += (submission, event)
        self._kind_of_each.append(begin)
        if now > self._now:
            self._now = now
        return True

    def moved(self, refused: Refusal) -> _Batch:
        """Return a batch of the same arrivals that counts elsewhere what there is no room for."""
        again = dict(zip(self.series, refused.moved(self.series), strict=True))
        moved = {series: again[into] for series, into in self._moved.items()}
        moved |= {series: into for series, into in again.items() if series not in moved}
        batch = _Batch(self.project, self._version, self._dedupe_seconds, moved)
        for place, one in zip(self.places, self._sent, strict=True):
            batch.takes(one, place)
        return batch

    def keys_and_args(self, most_series: int) -> tuple[list[str], list[str | int]]:
        """Return the keys of the call without those of the rings, and its arguments without words.

        The argument UNKNOWN is 0.
        """
        project, series, quotas = self.project, self.series, self._quotas
        keys = [state_key(project), index_key(project), running_key(project), *self._claims, *quotas]
        args: list[str | int] = [self._now, self._version, REPEAT_SECONDS, self._dedupe_seconds, most_series]
        args += (len(self.places), len(series), len(self._times), len(quotas), 0)
        args += [one.name for one in series]
        args += self._times
        args += [window for _, window in quotas.values()]
        args += self._kind_of_each
        args += self._kind_args
        return keys, args

    def outcomes(self, answer: Any) -> Sequence[Outcome | Exception]:
        """Return what the script's answer says of each arrival."""
        if isinstance(answer, Exception):
            return [answer] * len(self.places)
        if answer == b"stale":
            return [ProjectClosed([self.project]) for _ in self.places]
        return [_OUTCOMES[word] for word in answer.split()]

    def _add_kind(self, arrival: Arrival, now: int) -> int:
        """Add a kind of arrivals, which differ in their claims only, and return where it begins among the kinds."""
        number, most = 0, 0
        if arrival.quota:
            key, most, window = arrival.quota
            if not 1 <= window <= LONGEST_WINDOW:
                raise ValueError(f"a quota cannot have a window of {window} seconds")
            name = quota_key(self.project, key, window, now)
            number, _ = self._quotas.setdefault(name, (len(self._quotas) + 1, window))
        others = _added_up(arrival.others)
        args: list[str | int] = [arrival.outcome.value, number, most]
        args += (len(arrival.counted), len(arrival.refused), len(others))
        all_series, times, moved = self.series, self._times, self._moved
        for series, timestamp, amount in (*arrival.counted, *arrival.refused, *others):
            if timestamp < 0 or not 1 <= amount <= LARGEST or series.project != self.project:
                raise ValueError(f"cannot count {amount} of {series} at {timestamp}")
            series = moved.get(series, series)
            cell = all_series.setdefault(series, len(all_series) + 1)
            args += (cell + MOST_SERIES * times.setdefault(timestamp, len(times)), amount)
        begin = len(self._kind_args)
        self._kind_args += args
        return begin


def _added_up(increments: Sequence[Increment]) -> Sequence[Increment]:
    """Return the increments with equal series and timestamps added up, so that 100 sessions cost as much as one."""
    amounts: dict[tuple[Series, int], int] = {}
    for series, timestamp, amount in increments:
        if not 1 <= amount <= LARGEST:
            return increments  # they are refused as they are
        amounts[series, timestamp] = min(amounts.get((series, timestamp), 0) + amount, LARGEST)
    return [Increment(series, timestamp, amount) for (series, timestamp), amount in amounts.items()]


_OUTCOMES = {outcome.value.encode(): outcome for outcome in Outcome}
