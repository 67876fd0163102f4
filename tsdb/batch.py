"""One call of the script of intake (tsdb/lua/intake.lua): its keys and arguments, and what its answer means."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from tsdb.arrivals import Arrival, Decision, Limited, Part, Sent
from tsdb.budgets import Budget, rollup_for
from tsdb.outcomes import Outcome
from tsdb.rollups import LARGEST, Rollup
from tsdb.room import refusal
from tsdb.series import Series, claim_key, decoded, index_key, over_budget, quota_key, running_key, state_key, total
from tsdb.writing import Increment, ProjectClosed

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

MOST_REFUSING = 10_000
"""The most categories of projects that a process remembers as refused."""

NOT_SENT = -1
"""The length of a list that the script may ask for."""


class Refusing:
    """The categories of projects whose budgets refused something lately, each until the window of the budget ends.

    With an arrival that has a part of such a category goes what is counted if its parts are refused. With any other
    that goes only if the script asks for it: mostly it is not needed, and then it need not be sent.
    """

    def __init__(self) -> None:
        self._until: dict[tuple[int, str], int] = {}

    def note(self, project: int, limits: Sequence[Limited]) -> None:
        """Note that these budgets refused something of the project."""
        if len(self._until) > MOST_REFUSING:
            self._until.clear()
        for category, until in limits:
            self._until[project, category] = until

    def may_refuse(self, project: int, part: Part, now: int) -> bool:
        """Return whether a budget of the part refused something lately, or refuses everything."""
        return any(budget.limit == 0 or self._until.get((project, budget.category), 0) > now for budget, _ in part.asks)


def said_of_budget(project: int, budget: Budget, rollups: Sequence[Rollup]) -> tuple[Series, str]:
    """Return the series that a budget is used by, and what the script is told of it besides. Raises ValueError."""
    rollup = rollup_for(budget.window, rollups)
    if rollup is None:
        raise ValueError(f"no rollup makes up a window of {budget.window} seconds")
    text = f"{rollups.index(rollup) + 1} {budget.limit} {budget.window}"
    return total(project, budget.category, Outcome.ACCEPTED), text


class Batch:
    """Arrivals of one project under one version, which one call of the script counts."""

    def __init__(
        self,
        project: int,
        version: str,
        dedupe_seconds: int,
        said_of: Callable[[int, Budget], tuple[Series, str]],
        refusing: Refusing,
        *,
        moved: Mapping[Series, Series] = {},
        sends_refusals: bool = False,
    ) -> None:
        """`said_of` is said_of_budget for the rollups of the store. `moved` says under which series others are counted.

        `sends_refusals` says to send with every part what is counted if it is refused.
        """
        self.project = project
        self.places: list[int] = []
        self.series: dict[Series, int] = {}
        self._version = version
        self._dedupe_seconds = dedupe_seconds
        self._said_of = said_of
        self._refusing = refusing
        self._moved = moved
        self._sends_refusals = sends_refusals
        self._sent: list[Sent] = []
        self._now = 0
        self._claims: list[str] = []
        self._start = claim_key(project, "")
        self._increments = 0
        self._times: dict[int, int] = {}
        self._quotas: dict[str, tuple[int, int]] = {}
        self._budgets: dict[Budget, int] = {}
        self._budget_args: list[str] = []
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
        parts = (tuple(arrival.parts), arrival.is_all_parts) if arrival.parts else None
        increments = (tuple(arrival.counted), tuple(arrival.refused), tuple(arrival.others))
        kind = (arrival.outcome, arrival.quota, arrival.quota and now, increments, parts)
        begin = self._kinds.get(kind)
        if begin is None:
            size = sum(map(len, increments)) + 2 * sum(len(part.counted) for part in arrival.parts)
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

    def again(self, answer: object) -> Batch | None:
        """Return the batch that must be sent instead after this answer, which counted nothing; None if it is decided.

        It counts elsewhere what there is no room for, or sends what is counted if a budget refuses.
        """
        if answer == b"refusals":
            return self._like_this(self._moved, sends_refusals=True)
        refused = refusal(answer)
        if refused is None:
            return None
        again = dict(zip(self.series, refused.moved(self.series), strict=True))
        moved = {series: again[into] for series, into in self._moved.items()}
        moved |= {series: into for series, into in again.items() if series not in moved}
        return self._like_this(moved, sends_refusals=self._sends_refusals)

    def keys_and_args(self, most_series: int) -> tuple[list[str], list[str | int]]:
        """Return the keys of the call without those of the rings, and its arguments without words.

        The argument UNKNOWN is 0.
        """
        project, series, quotas = self.project, self.series, self._quotas
        keys = [state_key(project), index_key(project), running_key(project), *self._claims, *quotas]
        args: list[str | int] = [self._now, self._version, REPEAT_SECONDS, self._dedupe_seconds, most_series]
        args += (len(self.places), len(series), len(self._times), len(quotas), 0, len(self._budgets))
        args += [one.name for one in series]
        args += self._times
        args += [window for _, window in quotas.values()]
        args += self._budget_args
        args += self._kind_of_each
        args += self._kind_args
        return keys, args

    def decisions(self, answer: Any) -> Sequence[Decision | Exception]:
        """Return what the script's answer says of each arrival, and note which budgets refused something."""
        if isinstance(answer, Exception):
            return [answer] * len(self.places)
        if answer == b"stale":
            return [ProjectClosed([self.project]) for _ in self.places]
        decisions = [_PLAIN.get(word) or _decision(word) for word in answer.split()]
        for decision in decisions:
            if decision.limits:
                self._refusing.note(self.project, decision.limits)
        return decisions

    def _like_this(self, moved: Mapping[Series, Series], *, sends_refusals: bool) -> Batch:
        batch = Batch(
            self.project,
            self._version,
            self._dedupe_seconds,
            self._said_of,
            self._refusing,
            moved=moved,
            sends_refusals=sends_refusals,
        )
        for place, one in zip(self.places, self._sent, strict=True):
            batch.takes(one, place)
        return batch

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
        args += (len(arrival.counted), len(arrival.refused), len(others), len(arrival.parts))
        self._add_cells(args, (*arrival.counted, *arrival.refused, *others))
        # What is beside a refused event is refused with it, so one that may be refused makes all of them so.
        may_refuse = any(self._refusing.may_refuse(self.project, part, now) for part in arrival.parts)
        for part in arrival.parts:
            what = "only" if arrival.is_all_parts else part.what.value
            self._add_part(args, part, what, is_refusal_sent=self._sends_refusals or may_refuse)
        begin = len(self._kind_args)
        self._kind_args += args
        return begin

    def _add_part(self, args: list[str | int], part: Part, what: str, *, is_refusal_sent: bool) -> None:
        refused: list[Increment] | None = None
        if is_refusal_sent:
            refused = [Increment(over_budget(series), timestamp, amount) for series, timestamp, amount in part.counted]
        lengths = f"{len(part.counted)} {NOT_SENT if refused is None else len(refused)}"
        asks = " ".join([f"{self._budget(budget)}:{amount}" for budget, amount in part.asks])
        args.append(f"{what} {lengths} {asks}")
        self._add_cells(args, part.counted)
        if refused:
            self._add_cells(args, refused)

    def _add_cells(self, args: list[str | int], increments: Sequence[Increment]) -> None:
        all_series, times, moved = self.series, self._times, self._moved
        for series, timestamp, amount in increments:
            if timestamp < 0 or not 1 <= amount <= LARGEST or series.project != self.project:
                raise ValueError(f"cannot count {amount} of {series} at {timestamp}")
            series = moved.get(series, series)
            cell = all_series.setdefault(series, len(all_series) + 1)
            args += (cell + MOST_SERIES * times.setdefault(timestamp, len(times)), amount)

    def _budget(self, budget: Budget) -> int:
        """Return the number of a budget in the call."""
        number = self._budgets.get(budget)
        if number is None:
            series, text = self._said_of(self.project, budget)
            used_by = self.series.setdefault(self._moved.get(series, series), len(self.series) + 1)
            self._budget_args.append(f"{used_by} {text}")
            number = self._budgets[budget] = len(self._budgets) + 1
        return number


def _added_up(increments: Sequence[Increment]) -> Sequence[Increment]:
    """Return the increments with equal series and timestamps added up, so that 100 sessions cost as much as one."""
    amounts: dict[tuple[Series, int], int] = {}
    for series, timestamp, amount in increments:
        if not 1 <= amount <= LARGEST:
            return increments  # they are refused as they are
        amounts[series, timestamp] = min(amounts.get((series, timestamp), 0) + amount, LARGEST)
    return [Increment(series, timestamp, amount) for (series, timestamp), amount in amounts.items()]


_PLAIN = {outcome.value.encode(): Decision(outcome) for outcome in Outcome}
_OVER_BUDGET = "project_quota"


@lru_cache(maxsize=1000)
def _decision(word: bytes) -> Decision:
    """Return what a word of the script says that names budgets."""
    outcome, *said = word.decode().split(",")
    limits = []
    for one in said:
        category, _, until = one.partition("@")
        limits.append(Limited(decoded(category), int(until)))
    is_over_budget = outcome == _OVER_BUDGET
    return Decision(Outcome.RATE_LIMITED if is_over_budget else Outcome(outcome), is_over_budget, tuple(limits))
