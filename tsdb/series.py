"""The names of what is counted: series, and the keys that hold them in Redis.

Keys carry numeric ids and words of closed lists alone, so nothing that a user typed ever stands in a key. The
braces are a Cluster's hash tag: all keys of a project lie in one slot, where one script can touch them together.

    ts:{7}:state                           the project may be counted into; its version
    ts:{7}:index                           set of the series that exist
    ts:{7}:running                         hash of running totals since the beginning, category:outcome
    ts:{7}:t:error:accepted:3600x168       totals: category, outcome
    ts:{7}:f:12:error:filtered:localhost:3600x168
                                           facts: key id (0: none), category, outcome, reason
    ts:{7}:e:3:accepted:3600x168           environment id, outcome
    ts:{7}:claim:<id>                      an id that was counted already
    ts:{7}:quota:12:60:25690920            what key 12 used up of its quota in a window of 60 s
    ts:{7}:moving:<series>:<rollup>        a ring on its way to another series
"""

from __future__ import annotations

from typing import NamedTuple

from tsdb.outcomes import NO_REASON, Category, Outcome
from tsdb.rollups import Rollup


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


def total(project: int, category: Category, outcome: Outcome) -> Series:
    return Series(project, f"t:{category}:{outcome}")


def fact(project: int, key: int, category: Category, outcome: Outcome, reason: str = NO_REASON) -> Series:
    """`reason` is one of `tsdb.outcomes.REASONS`; `key` 0 stands for no key."""
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
    """Every series that an event is counted into. An environment counts the accepted errors alone."""
    counted = [total(project, category, outcome), fact(project, key, category, outcome, reason)]
    if environment_id is not None and category is Category.ERROR and outcome is Outcome.ACCEPTED:
        counted.append(environment(project, environment_id))
    return counted


def environment(project: int, environment: int) -> Series:
    return Series(project, f"e:{environment}:accepted")


def parse_fact(name: str) -> Fact | None:
    """The fact that a series' name holds; None for any other series."""
    kind, _, rest = name.partition(":")
    if kind != "f":
        return None
    key, category, outcome, reason = rest.split(":")
    return Fact(int(key), category, outcome, reason)


def parse_environment(name: str) -> int | None:
    """The id of the environment that a series counts; None for any other series."""
    kind, _, rest = name.partition(":")
    return int(rest.partition(":")[0]) if kind == "e" else None


def state_key(project: int) -> str:
    return f"ts:{{{project}}}:state"


def index_key(project: int) -> str:
    return f"ts:{{{project}}}:index"


def running_key(project: int) -> str:
    return f"ts:{{{project}}}:running"


def parse_running(field: bytes) -> tuple[str, str]:
    """The (category, outcome) of a field of the running totals."""
    category, _, outcome = field.decode().partition(":")
    return category, outcome


def claim_key(project: int, claim: str) -> str:
    return f"ts:{{{project}}}:claim:{claim}"


def quota_key(project: int, key: int, window: int, now: int) -> str:
    """Of the fixed window of that many seconds in which `now` lies."""
    return f"ts:{{{project}}}:quota:{key}:{window}:{now // window}"
