"""The names of what is counted: series, and the keys that hold them in Redis.

Keys carry numeric ids and words of closed lists alone, so nothing that a user typed ever stands in a key. The
braces are a Cluster's hash tag: all keys of a project lie in one slot, where one script can touch them together.

    ts:{7}:state                           the project may be counted into; its version
    ts:{7}:index                           set of the series that exist
    ts:{7}:running                         hash of running totals since the beginning, category:outcome; and of what was
                                           not accepted also by reason, category:outcome:reason
    ts:{7}:t:error:accepted:3600x168       totals: category, outcome
    ts:{7}:f:12:error:filtered:localhost:3600x168
                                           facts: key id (0: none), category, outcome, reason
    ts:{7}:e:3:filtered:3600x168           environments: environment id, outcome
    ts:{7}:e:3:filtered:localhost:3600x168 the part of it that one inbound filter filtered
    ts:{7}:claim:<id>                      an event or a submission that was counted already
    ts:{7}:quota:12:60:25690920            what key 12 used up of its quota in a window of 60 s
    ts:{7}:moving:<series>:<rollup>        a ring on its way to another series
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tsdb.outcomes import FILTERS, NO_REASON, RECEIVED, Category, Outcome
from tsdb.rollups import Rollup

NO_KEY = 0
"""In a fact: it was counted with no key, or with one that there is no room for (tsdb/room.py)."""


class Series(NamedTuple):
    """One count over buckets, of the project with the numeric id `project`."""

    project: int
    name: str

    def key(self, rollup: Rollup) -> str:
        return f"ts:{{{self.project}}}:{self.name}:{rollup.name}"

    def moving_key(self, rollup: Rollup) -> str:
        return f"ts:{{{self.project}}}:moving:{self.name}:{rollup.name}"


class Fact(NamedTuple):
    """What a fact's series says of the events it counts."""

    key: int
    category: str
    outcome: str
    reason: str


class InEnvironment(NamedTuple):
    """What an environment's series counts: an outcome, or with a reason the part that one filter filtered."""

    environment: int
    outcome: str
    reason: str | None


class RunningTotals(NamedTuple):
    """What was ever counted of a project."""

    outcomes: dict[tuple[str, str], int]
    """By category and outcome."""
    drops: dict[tuple[str, str, str], int]
    """What was not accepted, by category, outcome and reason. Before reasons were told apart here, drops were counted
    among the outcomes alone."""


def total(project: int, category: Category, outcome: Outcome) -> Series:
    return Series(project, f"t:{category}:{outcome}")


def fact(project: int, key: int, category: Category, outcome: Outcome, reason: str = NO_REASON) -> Series:
    """`reason` is one of `tsdb.outcomes.REASONS`; `key` may be NO_KEY."""
    return Series(project, f"f:{key}:{category}:{outcome}:{reason}")


def of_event(
    project: int,
    key: int,
    category: Category,
    outcome: Outcome,
    *,
    reason: str = NO_REASON,
    environment_id: int | None = None,
) -> list[Series]:
    """Every series that an event is counted into. An environment counts the errors that were received, no others."""
    counted = [total(project, category, outcome), fact(project, key, category, outcome, reason)]
    if environment_id is not None and is_of_environment(category, outcome):
        counted.append(environment(project, environment_id, outcome))
        if outcome is Outcome.FILTERED and reason in FILTERS:
            counted.append(environment(project, environment_id, outcome, reason))
    return counted


def is_of_environment(category: Category, outcome: Outcome) -> bool:
    """Whether an environment counts this."""
    return category is Category.ERROR and outcome in RECEIVED


def environment(project: int, environment: int, outcome: str, reason: str | None = None) -> Series:
    """What an environment counts of an outcome; `reason` is one of `tsdb.outcomes.FILTERS`, and only of `filtered`.

    The reasons are kept beside their sum, so that every stat is known by name: a read needs no look at the index. Other
    reasons are in the sum alone, because no stat asks for them.
    """
    return Series(project, f"e:{environment}:{outcome}" + (f":{reason}" if reason else ""))


def parse_fact(name: str) -> Fact | None:
    """The fact that a series' name holds; None for any other series."""
    kind, _, rest = name.partition(":")
    if kind != "f":
        return None
    key, category, outcome, reason = rest.split(":")
    return Fact(int(key), category, outcome, reason)


def parse_environment(name: str) -> InEnvironment | None:
    """What the name of an environment's series holds; None for any other series."""
    kind, _, rest = name.partition(":")
    if kind != "e":
        return None
    number, outcome, *reason = rest.split(":")
    return InEnvironment(int(number), outcome, reason[0] if reason else None)


def state_key(project: int) -> str:
    return f"ts:{{{project}}}:state"


def index_key(project: int) -> str:
    return f"ts:{{{project}}}:index"


def running_key(project: int) -> str:
    return f"ts:{{{project}}}:running"


def read_running(fields: Mapping[bytes, bytes]) -> RunningTotals:
    """What the hash of running totals holds."""
    totals = RunningTotals({}, {})
    for field, total in fields.items():
        category, outcome, *reason = field.decode().split(":", 2)
        if reason:
            totals.drops[category, outcome, reason[0]] = int(total)
        else:
            totals.outcomes[category, outcome] = int(total)
    return totals


def claim_key(project: int, claim: str) -> str:
    return f"ts:{{{project}}}:claim:{claim}"


def quota_key(project: int, key: int, window: int, now: int) -> str:
    """Of the fixed window of that many seconds in which `now` lies."""
    return f"ts:{{{project}}}:quota:{key}:{window}:{now // window}"
