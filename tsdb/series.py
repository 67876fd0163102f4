"""The names of series, and the keys of a project in Redis.

A key contains numeric ids and words. A category or a reason may be any text that a client sent. In a name it stands
percent-encoded (`_encoded`), so it holds letters, digits, `_`, `.`, `-` and `%` only. A known word stands as it
is. The braces are the hash tag of a Redis Cluster: all keys of a project lie in one slot, so one script can touch all
of them.

    ts:{7}:state                            the state of project 7 (tsdb/state.py)
    ts:{7}:index                            set of the names of the series that exist
    ts:{7}:categories, ts:{7}:reasons       sets of the words that are not known, as they stand in names
    ts:{7}:running                          hash of totals since the beginning, by category:outcome, and by
                                            category:outcome:reason for what was not accepted
    ts:{7}:t:error:accepted:3600s770        ring of a total: category, outcome
    ts:{7}:f:12:error:filtered:localhost:3600s770
                                            ring of a fact: key id (0: no key), category, outcome, reason
    ts:{7}:e:3:filtered:3600s770            ring of an environment: environment id, outcome
    ts:{7}:e:3:filtered:localhost:3600s770  the part of it that one inbound filter dropped
    ts:{7}:claim:<id>                       an event or a submission that was counted, and its outcome
    ts:{7}:quota:12:60:25690920             what key 12 used of its quota in one window of 60 seconds
    ts:{7}:moving:<series>:<rollup>         a ring on its way to another series

One kind of key is of no project: `stamp:{7}` is a stamp (tsdb/stamps.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from tsdb.outcomes import CATEGORIES, FILTERS, NO_REASON, REASONS, RECEIVED, Category, Outcome
from tsdb.rollups import Rollup

_PLAIN = re.compile(r"[A-Za-z0-9_.-]*")
_AS_ENCODED = [chr(byte) if _PLAIN.fullmatch(chr(byte)) else f"%{byte:02X}" for byte in range(256)]
_ENCODED = re.compile(rb"%([0-9A-F]{2})")

NO_KEY = 0
"""The key id of a fact that was counted without a key, or with a key that there is no room for (tsdb/room.py)."""


class Series(NamedTuple):
    """One count over buckets. `project` is the numeric id of its project."""

    project: int
    name: str

    def key(self, rollup: Rollup) -> str:
        """Return the key of the series' ring at a rollup."""
        return f"ts:{{{self.project}}}:{self.name}:{rollup.name}"

    def moving_key(self, rollup: Rollup) -> str:
        """Return the key under which that ring is kept while it moves to another series."""
        return f"ts:{{{self.project}}}:moving:{self.name}:{rollup.name}"


class Fact(NamedTuple):
    """What a fact counts. `key` is the id of a key, or NO_KEY."""

    key: int
    category: str
    outcome: str
    reason: str


class Words(NamedTuple):
    """The words in the name of a series that are not known, as they stand there. A known one is left empty."""

    category: str
    reason: str


class InEnvironment(NamedTuple):
    """What a series of an environment counts: an outcome, or with a reason the part that one filter dropped."""

    environment: int
    outcome: str
    reason: str | None


class RunningTotals(NamedTuple):
    """All that was ever counted of a project."""

    outcomes: dict[tuple[str, str], int]
    """By category and outcome."""
    drops: dict[tuple[str, str, str], int]
    """What was not accepted, by category, outcome and reason. An earlier version kept no reasons, so this may be less
    than in `outcomes`."""


def total(project: int, category: str, outcome: str) -> Series:
    """Return the total of a category and an outcome."""
    return Series(project, f"t:{_encoded(category)}:{outcome}")


def totals(projects: Iterable[int], category: str, outcomes: Iterable[Outcome]) -> list[Series]:
    """Return the total of each of the outcomes for each of the projects, project by project."""
    names = [total(0, category, outcome).name for outcome in outcomes]
    return [Series(project, name) for project in projects for name in names]


def ring_keys(series: Iterable[Series], rollup: Rollup) -> list[str]:
    """Return what Series.key returns, for many series."""
    shape = rollup.name
    return [f"ts:{{{project}}}:{name}:{shape}" for project, name in series]


def fact(project: int, key: int, category: str, outcome: str, reason: str = NO_REASON) -> Series:
    """Return the fact of a key. `key` is its id or NO_KEY."""
    return Series(project, f"f:{key}:{_encoded(category)}:{outcome}:{_encoded(reason)}")


def of_event(
    project: int,
    key: int,
    category: str,
    outcome: Outcome,
    *,
    reason: str = NO_REASON,
    environment_id: int | None = None,
) -> list[Series]:
    """Return all series that an event is counted into. An environment counts only errors that were received."""
    counted = [total(project, category, outcome), fact(project, key, category, outcome, reason)]
    if environment_id is not None and is_of_environment(category, outcome):
        counted.append(environment(project, environment_id, outcome))
        if outcome is Outcome.FILTERED and reason in FILTERS:
            counted.append(environment(project, environment_id, outcome, reason))
    return counted


@lru_cache(maxsize=10_000)
def over_budget(series: Series) -> Series:
    """Return what is counted instead of a series of something accepted, if a budget of the project refuses it."""
    kind, *words = series.name.split(":")
    if kind == "f":
        words[3] = "project_quota"
    words[2 if kind == "f" else 1] = Outcome.RATE_LIMITED
    return Series(series.project, ":".join((kind, *words)))


def is_of_environment(category: str, outcome: Outcome) -> bool:
    """Return whether environments count this category and outcome."""
    return category == Category.ERROR and outcome in RECEIVED


def environment(project: int, environment: int, outcome: str, reason: str | None = None) -> Series:
    """Return the series of an environment and an outcome.

    `reason` is for `filtered` only: one of tsdb.outcomes.FILTERS. A filter has a series of its own beside the sum of
    all filters, so the series of every stat is known by its name, and a read need not look at the index. Other reasons
    are in the sum only, because no stat asks for them.
    """
    return Series(project, f"e:{environment}:{outcome}" + (f":{reason}" if reason else ""))


def parse_fact(name: str) -> Fact | None:
    """Return what a fact counts, from the name of its series; None for any other series."""
    kind, _, rest = name.partition(":")
    if kind != "f":
        return None
    key, category, outcome, reason = rest.split(":")
    return Fact(int(key), decoded(category), outcome, decoded(reason))


def unknown_words(series: Series) -> Words | None:
    """Return the words in the name of the series that are not known; None if all are."""
    kind, *parts = series.name.split(":")
    if kind == "t":
        category, reason = parts[0], ""
    elif kind == "f":
        category, reason = parts[1], parts[3]
    else:
        return None
    words = Words("" if category in CATEGORIES else category, "" if reason in REASONS else reason)
    return words if any(words) else None


def decoded(word: str) -> str:
    """Return a category or a reason as it was sent, from how it stands in a name."""
    if "%" not in word:
        return word
    return _ENCODED.sub(lambda found: bytes.fromhex(found[1].decode()), word.encode()).decode()


@lru_cache(maxsize=1000)
def _encoded(word: str) -> str:
    """Return a category or a reason as it stands in a name. Different words never stand there alike."""
    if _PLAIN.fullmatch(word):
        return str(word)
    return "".join(map(_AS_ENCODED.__getitem__, word.encode()))


def parse_environment(name: str) -> InEnvironment | None:
    """Return what a series of an environment counts, from its name; None for any other series."""
    kind, _, rest = name.partition(":")
    if kind != "e":
        return None
    number, outcome, *reason = rest.split(":")
    return InEnvironment(int(number), outcome, reason[0] if reason else None)


def state_key(project: int) -> str:
    """Return the key of the project's state."""
    return f"ts:{{{project}}}:state"


def stamp_key(number: int) -> str:
    """Return the key of the stamp with this number."""
    return f"stamp:{{{number}}}"


def index_key(project: int) -> str:
    """Return the key of the set of the project's series."""
    return f"ts:{{{project}}}:index"


def categories_key(project: int) -> str:
    """Return the key of the set of the project's categories that are not known."""
    return f"ts:{{{project}}}:categories"


def reasons_key(project: int) -> str:
    """Return the key of the set of the project's reasons that are not known."""
    return f"ts:{{{project}}}:reasons"


def running_key(project: int) -> str:
    """Return the key of the project's running totals."""
    return f"ts:{{{project}}}:running"


def read_running(fields: Mapping[bytes, bytes]) -> RunningTotals:
    """Return the running totals, from the fields of their hash."""
    totals = RunningTotals({}, {})
    for field, total in fields.items():
        word, outcome, *reason = field.decode().split(":", 2)
        category = decoded(word)
        if reason:
            totals.drops[category, outcome, decoded(reason[0])] = int(total)
        else:
            totals.outcomes[category, outcome] = int(total)
    return totals


def claim_key(project: int, claim: str) -> str:
    """Return the key of the claim with that id."""
    return f"ts:{{{project}}}:claim:{claim}"


def quota_key(project: int, key: int, window: int, now: int) -> str:
    """Return the key of what a key used of its quota, in the fixed window of `window` seconds in which `now` lies."""
    return f"ts:{{{project}}}:quota:{key}:{window}:{now // window}"
