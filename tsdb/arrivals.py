"""What requests of intake bring and what becomes of it, as plain values: arrivals, quotas, and decisions."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from tsdb.budgets import Budget
from tsdb.outcomes import Outcome
from tsdb.writing import Increment


class Quota(NamedTuple):
    """At most `limit` accepted errors in each window of `window` seconds, for the key with the numeric id `key`."""

    key: int
    limit: int
    window: int


class What(StrEnum):
    """What a part of an arrival is: its event, what is beside the event and refused with it, or another item."""

    EVENT = "event"
    BESIDE = "beside"
    ITEM = "item"


class Part(NamedTuple):
    """A part of an arrival. It is counted as a whole, or refused as a whole by a budget of the project.

    asks: the budgets that it asks, at least one, each with the amount that the budget must have room for.
    counted: increments of accepted. If the part is refused, each is counted under the series that
        tsdb.series.over_budget returns for its own.
    """

    what: What
    asks: tuple[tuple[Budget, int], ...]
    counted: tuple[Increment, ...]


@dataclass(frozen=True, slots=True)
class Arrival:
    """What one request brings into a project.

    id: what it is counted once by, which is made of the event's id, or None if nothing of it has an id. An id that
        was counted is not counted again, whatever is left of the quota. The id of a refused event is not remembered,
        so it may be sent again.
    outcome: the outcome of the event unless the quota refuses it: accepted or filtered.
    counted: increments for the event, and for all that has the same outcome as the event. Empty if there is no event.
    quota: the quota of the key, or None if the key has none.
    refused: increments of rate_limited, which are counted instead of `counted` if the quota refuses the event.
    others: increments that are counted in any case.
    parts: what budgets may refuse, in the order in which they are asked. If the event is among them, it is the first,
        and is not in `counted`. A budget that refuses the event makes its outcome rate_limited, as the quota does.
        Whatever is accepted of a category that has budgets must be in a part that asks all of them. Otherwise arrivals
        that are counted by the same call would not see that it is used.
    is_all_parts: whether there is no event, and nothing but the parts can be accepted. Then the outcome is rate_limited
        if all of them are refused.
    """

    id: str | None
    outcome: Outcome
    counted: Sequence[Increment] = ()
    quota: Quota | None = None
    refused: Sequence[Increment] = ()
    others: Sequence[Increment] = ()
    parts: Sequence[Part] = ()
    is_all_parts: bool = False


class Limited(NamedTuple):
    """A budget that refused something.

    until: the end of its window by the caller's clock, in seconds since the epoch. It is 0 for a budget with a limit
        of 0, which has no room in the next window either.
    """

    category: str
    until: int


class Decision(NamedTuple):
    """What became of an arrival.

    outcome: that of its event; accepted if there is none, or rate_limited if budgets refused all that there is.
    is_over_budget: whether budgets made it rate_limited, and not the quota of the key.
    limits: the budgets that refused the event or anything beside it.
    """

    outcome: Outcome
    is_over_budget: bool = False
    limits: tuple[Limited, ...] = ()


def new_submission() -> str:
    """Return a new token for one submission. All tries to count the submission carry the same token."""
    return secrets.token_hex(16)


class Sent(NamedTuple):
    """An arrival on its way to Redis.

    project, version: the project, and its version that the caller knows.
    submission: its token (see new_submission). With the same token it can be sent again for REPEAT_SECONDS: what was
        counted is not counted again.
    now: the caller's clock when it came, seconds since the epoch.
    """

    project: int
    version: str
    arrival: Arrival
    submission: str
    now: int
