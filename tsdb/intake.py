"""Counting what requests of intake bring: arrivals that wait at the same time are counted by one script a project.

The script (tsdb/lua/intake.lua) decides each arrival as if it had come alone, and adds up what they count. All calls of
scripts go to Redis in one round trip: the nodes of a cluster are asked at the same time.

What a failure means for all of intake: quotas are kept beside the counts and checked in the same script, and the use of
a budget is a count itself. So a store of quotas cannot fail alone, and nothing has to fail open or closed. If Redis
fails, nothing is counted, no id is remembered, nothing is taken from a quota, and the answer is a RedisError, which is
answered 503. No event gets past a quota or a budget, and none is refused because Redis is away.

If the answer of Redis is lost, the script is run once more. This is always safe, because every submission has a token
of its own. If the event has no id or was refused, the token says that this submission was counted before.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from tsdb.arrivals import Arrival, Decision, Sent
from tsdb.batch import UNKNOWN, Batch, Refusing, said_of_budget
from tsdb.outcomes import Outcome
from tsdb.scripts import Call, Script
from tsdb.series import Words, categories_key, reasons_key, unknown_words
from tsdb.store import Store

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
        self._script = Script("intake", store.rollups, uses=("budgets",))
        self._refusing = Refusing()
        self._said_of = lru_cache(REMEMBERED_SERIES)(partial(said_of_budget, rollups=store.rollups))
        self._remembered = lru_cache(REMEMBERED_SERIES)(
            lambda series: _Remembered([series.key(rollup) for rollup in store.rollups], unknown_words(series))
        )

    def count(self, project: int, version: str, arrival: Arrival, submission: str, *, now: int) -> Decision:
        """Count one arrival as count_together does. Raises what that returns."""
        [answer] = self.count_together([Sent(project, version, arrival, submission, now)])
        if isinstance(answer, Exception):
            raise answer
        return answer

    def count_together(self, sent: Sequence[Sent]) -> list[Decision | Exception]:
        """Count arrivals in their order, and return what became of each.

        Each is counted whole or not at all. The answer is a Decision, or ProjectClosed if the project has another
        version, so what the caller knows is old; ValueError for an amount, a time, an id, a quota or a budget that
        cannot be counted; or the RedisError because of which it was not counted. An answer says nothing about the other
        arrivals.
        """
        answers: list[Decision | Exception] = [Decision(Outcome.ACCEPTED)] * len(sent)
        batches: list[Batch] = []
        latest: dict[tuple[int, str], Batch] = {}
        for place, one in enumerate(sent):
            batch = latest.get((one.project, one.version))
            try:
                if batch is None or not batch.takes(one, place):
                    batch = Batch(one.project, one.version, self._dedupe_seconds, self._said_of, self._refusing)
                    batch.takes(one, place)
                    batches.append(batch)
                    latest[one.project, one.version] = batch
            except ValueError as error:
                answers[place] = error
        for batch, answer in zip(batches, self._count(batches), strict=True):
            for place, decision in zip(batch.places, batch.decisions(answer), strict=True):
                answers[place] = decision
        return answers

    def _count(self, batches: Sequence[Batch]) -> list[Any]:
        """Return the script's answer for each batch, after sending again what it did not decide (Batch.again)."""
        answers, batches = self._run([self._call(batch) for batch in batches]), list(batches)
        while undecided := {
            place: again for place, answer in enumerate(answers) if (again := batches[place].again(answer))
        }:
            for place, batch in undecided.items():
                batches[place] = batch
            for place, answer in zip(undecided, self._run(list(map(self._call, undecided.values()))), strict=True):
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

    def _call(self, batch: Batch) -> Call:
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
