"""Budgets: how many of a category a project may accept in a window, and reading how much of that is used.

The use of a budget is what the project's total of the category counted as accepted in the open window. There is no
second number (docs/decisions/0012-a-budgets-use-is-the-count.md). Windows are fixed: they begin at multiples of their
length since the epoch, or with a month of the calendar in UTC. tsdb/lua/budgets.lua finds the same windows, and reads
the use for intake and for `read_uses`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from tsdb.outcomes import Outcome
from tsdb.protocol import none_failed
from tsdb.rollups import Rollup
from tsdb.scripts import Call, Script
from tsdb.series import state_key, total
from tsdb.store import Store
from tsdb.units import DAY, MINUTE

MONTH = 0
"""The window of a calendar month."""

SHORTEST_WINDOW, LONGEST_WINDOW = MINUTE, 31 * DAY
"""The shortest and the longest other window, in seconds."""

LARGEST_LIMIT = 10**15
"""Below 2**53, so that Lua compares it exactly."""

MOST_PROJECTS = 500
"""The most projects whose budgets are read by one call of the script, which nobody else's call can interrupt."""

_EARLIEST_FORECAST = 100
"""There is no forecast in the first part of a window, and this is how many such parts a window has."""


class Budget(NamedTuple):
    """At most `limit` of the category are accepted in each window.

    id: that of its row.
    window: the length of the windows in seconds, or MONTH.
    """

    id: int
    category: str
    limit: int
    window: int


_Readable = Sequence[tuple[Budget, Rollup]]
"""Budgets, each with the rollup that its use is read from."""


class BudgetUse(NamedTuple):
    """What is used of a budget in the window from `start` to `until`, seconds since the epoch.

    `used` is above `limit` if the limit was lowered, or if counts came that no budget refuses: from elsewhere, or by a
    merge.
    """

    used: int
    limit: int
    start: int
    until: int

    @property
    def ratio(self) -> float:
        """The used part of the limit; 1.0 for a limit of 0."""
        return self.used / self.limit if self.limit else 1.0

    def forecast(self, now: int) -> int | None:
        """Return how much will be used at the end of the window at this pace; None too early in the window.

        `now` is in seconds since the epoch.
        """
        length, elapsed = self.until - self.start, min(now, self.until) - self.start
        if elapsed * _EARLIEST_FORECAST < length:
            return None
        return max(self.used, round(self.used * length / elapsed))


def open_window(window: int, now: int) -> tuple[int, int]:
    """Return the start and the end of the window in which `now` lies. All are seconds since the epoch."""
    if window != MONTH:
        start = now - now % window
        return start, start + window
    first = datetime.fromtimestamp(now, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    after = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    return int(first.timestamp()), int(after.timestamp())


def rollup_for(window: int, rollups: Sequence[Rollup]) -> Rollup | None:
    """Return the coarsest rollup that makes up such windows and keeps a whole one; None if there is none."""
    unit, length = (DAY, LONGEST_WINDOW) if window == MONTH else (window, window)
    fitting = [rollup for rollup in rollups if unit % rollup.seconds == 0 and rollup.span >= length]
    return max(fitting, key=lambda rollup: rollup.seconds, default=None)


def read_uses(store: Store, budgets: Mapping[int, Sequence[Budget]], *, now: int) -> dict[int, BudgetUse]:
    """Return the use of each budget, by the id of the budget. `budgets` has those of each project, by the project's id.

    A budget whose window no rollup makes up is left out. `now` is in seconds since the epoch. One round trip for each
    MOST_PROJECTS projects. Raises redis.exceptions.RedisError, and Unsettled if a change of a project is unfinished.
    """
    readable = {
        project: [(one, rollup) for one in some if (rollup := rollup_for(one.window, store.rollups))]
        for project, some in budgets.items()
    }
    uses: dict[int, BudgetUse] = {}
    projects, answers = list(readable), []
    for start in range(0, len(projects), MOST_PROJECTS):
        part = projects[start : start + MOST_PROJECTS]
        answers += _ask(store, {project: readable[project] for project in part}, now)
    store.states.verify(projects, [state for state, _ in answers])
    for pairs, (_, used) in zip(readable.values(), answers, strict=True):
        for (budget, _), number in zip(pairs, used, strict=True):
            uses[budget.id] = BudgetUse(int(number), budget.limit, *open_window(budget.window, now))
    return uses


def _ask(store: Store, budgets: Mapping[int, _Readable], now: int) -> list[tuple[bytes | None, list[bytes]]]:
    """Return the state of each project, and the use of each of its budgets."""
    if not budgets:
        return []
    client, script = store.clients.read, _script(store.rollups)
    if not client.READS_AT_ONCE:
        calls = [_call(store, {project: pairs}, now) for project, pairs in budgets.items()]
        return [(answer[0], answer[1:]) for answer in none_failed(script.run_many(client, calls))]
    found = script.run(client, _call(store, budgets, now))
    answers, at = [], len(budgets)
    for state, pairs in zip(found, budgets.values(), strict=False):
        answers.append((state, found[at : at + len(pairs)]))
        at += len(pairs)
    return answers


def _call(store: Store, budgets: Mapping[int, _Readable], now: int) -> Call:
    keys, args = [state_key(project) for project in budgets], [len(budgets)]
    for project, pairs in budgets.items():
        for budget, rollup in pairs:
            keys.append(total(project, budget.category, Outcome.ACCEPTED).key(rollup))
            args += [store.rollups.index(rollup) + 1, *open_window(budget.window, now)]
    return Call(keys, args)


@lru_cache(maxsize=8)
def _script(rollups: tuple[Rollup, ...]) -> Script:
    return Script("uses", rollups, flags="no-writes", uses=("budgets",))
