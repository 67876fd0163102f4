"""What requests of intake bring, as plain values: arrivals, the quotas they take from, and arrivals on their way."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tsdb.outcomes import Outcome
from tsdb.writing import Increment


class Quota(NamedTuple):
    """At most `limit` accepted errors in each window of `window` seconds, for the key with the numeric id `key`."""

    key: int
    limit: int
    window: int


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
    """

    id: str | None
    outcome: Outcome
    counted: Sequence[Increment] = ()
    quota: Quota | None = None
    refused: Sequence[Increment] = ()
    others: Sequence[Increment] = ()


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
