"""Reading what keys used of their quotas. Intake counts it (tsdb/lua/intake.lua), under the same keys of Redis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tsdb.arrivals import Quota
from tsdb.series import quota_key
from tsdb.store import Store


class QuotaUse(NamedTuple):
    """What a key used of its quota in the window that is now open.

    used: how many errors were accepted. It can exceed `limit` if the quota was lowered meanwhile.
    limit: how many may be accepted.
    until: when the window ends and the quota is free again, seconds since the epoch.
    """

    used: int
    limit: int
    until: int

    @property
    def is_used_up(self) -> bool:
        """Whether every further error of the window is refused."""
        return self.used >= self.limit


def read_uses(store: Store, project: int, quotas: Sequence[Quota], *, now: int) -> dict[int, QuotaUse]:
    """Return the use of each of the quotas by the id of its key. One round trip.

    `now` is in seconds since the epoch. Raises redis.exceptions.RedisError.
    """
    keys = [quota_key(project, quota.key, quota.window, now) for quota in quotas]
    found = store.clients.read.get_many(keys)
    return {
        quota.key: QuotaUse(int(used or 0), quota.limit, (now // quota.window + 1) * quota.window)
        for quota, used in zip(quotas, found, strict=True)
    }
