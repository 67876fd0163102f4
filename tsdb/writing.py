"""Counting increments into the store: one script a project counts all of them or none (tsdb/lua/count.lua).

This is the way of counts that come from elsewhere. What requests of intake bring has a script of its own
(tsdb/intake.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from redis.exceptions import RedisError

from tsdb.client import Clients
from tsdb.rollups import LARGEST, Rollup
from tsdb.room import refusal
from tsdb.scripts import Call, Script
from tsdb.series import (
    Series,
    categories_key,
    claim_key,
    index_key,
    reasons_key,
    running_key,
    state_key,
    unknown_words,
)

INCREMENTS_A_CALL = 2000
"""Most increments that one run of the script counts on the bulk path: a few milliseconds of Redis' time."""


class Increment(NamedTuple):
    """`amount` (1 to LARGEST) events of a series at `timestamp` (whole seconds since the epoch, not negative)."""

    series: Series
    timestamp: int
    amount: int = 1


class Claim(NamedTuple):
    """Makes a write idempotent.

    id: taken once in `seconds`. It must be safe in a key.
    value: stands for what is written. The same id with another value is a conflict.
    """

    id: str
    value: str
    seconds: int


class ProjectClosed(Exception):
    """These projects may not be counted into: they were deleted, or are not open. Nothing of theirs was counted."""

    def __init__(self, projects: Iterable[int]) -> None:
        self.projects = sorted(projects)
        super().__init__(f"closed: {self.projects}")


class ClaimConflict(Exception):
    """The id of the claim was taken for another value. Nothing was counted."""


class Writer:
    """Counts increments into the rings of open projects.

    A project has room for `most_series` series, or for any number if that is 0. What is beyond the room is counted
    elsewhere (tsdb/room.py).
    """

    def __init__(self, clients: Clients, rollups: tuple[Rollup, ...]) -> None:
        self._clients = clients
        self._rollups = rollups
        self._script = Script("count", rollups)

    def count(self, increments: Iterable[Increment], *, now: int, claim: Claim | None, most_series: int) -> bool:
        """Count increments, those of each project by one script. Returns and raises what Store.incr_multi does."""
        by_project = self._added_up(increments)
        if claim and len(by_project) > 1:
            raise ValueError("a claim is of one project")
        calls = [self._call(project, of_series, now, claim, most_series) for project, of_series in by_project.items()]
        if not calls:
            return True
        if len(calls) == 1:
            answers = [self._script.run(self._clients.write, calls[0])]
        else:
            answers = self._script.run_many(self._clients.write, calls)
        for place, (project, of_series) in enumerate(by_project.items()):
            answers[place] = self._counted(project, of_series, now, claim, most_series, answers[place])
        return self._verdict(list(by_project), answers)

    def count_in_batches(self, increments: Iterable[Increment], *, now: int, most_series: int) -> None:
        """Count any number of increments, INCREMENTS_A_CALL by one script."""
        by_project = self._added_up(increments)
        for project, of_series in by_project.items():
            batch: dict[Series, dict[int, int]] = {}
            room = INCREMENTS_A_CALL
            for series, amounts in of_series.items():
                pairs = list(amounts.items())
                while pairs:
                    part, pairs = pairs[:room], pairs[room:]
                    batch[series] = dict(part)
                    room -= len(part)
                    if room == 0:
                        self._send_batch(project, batch, now, most_series)
                        batch, room = {}, INCREMENTS_A_CALL
            if batch:
                self._send_batch(project, batch, now, most_series)

    def _added_up(self, increments: Iterable[Increment]) -> dict[int, dict[Series, dict[int, int]]]:
        """Return the amounts by project, by series, and by the start of their finest bucket."""
        finest = self._rollups[0].seconds
        by_project: dict[int, dict[Series, dict[int, int]]] = {}
        for series, timestamp, amount in increments:
            if timestamp < 0 or not 1 <= amount <= LARGEST:
                raise ValueError(f"cannot count {amount} at {timestamp}")
            amounts = by_project.setdefault(series.project, {}).setdefault(series, {})
            start = timestamp - timestamp % finest
            amounts[start] = min(amounts.get(start, 0) + amount, LARGEST)
        return by_project

    def _call(
        self, project: int, of_series: Mapping[Series, Mapping[int, int]], now: int, claim: Claim | None, most: int
    ) -> Call:
        keys = [state_key(project), index_key(project), running_key(project)]
        keys.append(claim_key(project, claim.id if claim else ""))
        unknown = [(number, *words) for number, one in enumerate(of_series, start=1) if (words := unknown_words(one))]
        args: list[str | bytes | int] = [now, claim.value if claim else "", claim.seconds if claim else 0, most]
        args.append(len(unknown))
        for numbered in unknown:
            args += numbered
        for series, amounts in of_series.items():
            keys += [series.key(rollup) for rollup in self._rollups]
            args += [series.name, len(amounts)]
            for pair in amounts.items():
                args += pair
        if unknown:
            keys += [categories_key(project), reasons_key(project)]
        return Call(keys, args)

    def _send_batch(self, project: int, batch: Mapping[Series, Mapping[int, int]], now: int, most: int) -> None:
        answer = self._script.run(self._clients.write, self._call(project, batch, now, None, most))
        self._verdict([project], [self._counted(project, batch, now, None, most, answer)])

    def _counted(
        self,
        project: int,
        of_series: Mapping[Series, Mapping[int, int]],
        now: int,
        claim: Claim | None,
        most: int,
        answer: Any,
    ) -> Any:
        """Return the script's answer, after counting elsewhere what had no room (tsdb/room.py)."""
        while refused := refusal(answer):
            of_series = self._added_up(
                Increment(one, start, amount)
                for one, amounts in zip(refused.moved(of_series), of_series.values(), strict=True)
                for start, amount in amounts.items()
            )[project]
            answer = self._script.run(self._clients.write, self._call(project, of_series, now, claim, most))
        return answer

    @staticmethod
    def _verdict(projects: Sequence[int], answers: Sequence[object]) -> bool:
        """Return whether all was counted now, and not before. Raises what incr_multi raises."""
        for answer in answers:
            if isinstance(answer, RedisError):
                raise answer
        closed = [project for project, answer in zip(projects, answers, strict=True) if answer == b"closed"]
        if closed:
            raise ProjectClosed(closed)
        if b"conflict" in answers:
            raise ClaimConflict
        return b"repeat" not in answers
