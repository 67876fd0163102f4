"""Finishing what was begun with a project: whoever meets it half done finishes it, and then asks again.

A change of several steps leaves its intention in the project's state in Redis before its first step (tsdb/state.py), so
nobody reads or counts into a half, and whoever dies in the middle is followed by the next who comes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from projects.connections import get_store
from projects.services import deleting, merging
from tsdb.settling import settle as settle_in_redis
from tsdb.state import Phase
from tsdb.states import Unsettled

T = TypeVar("T")

TRIES = 5
"""A project that is unsettled so often in a row is being changed without a pause."""


def settle(projects: Iterable[int]) -> None:
    """Raises Unsettled, redis.exceptions.RedisError, django.db.DatabaseError."""
    for project in projects:
        _settle(project)


def settled(ask: Callable[[], T]) -> T:
    """What `ask` returns when the projects that it reads are settled. Raises Unsettled where they never are."""
    for _ in range(TRIES):
        try:
            return ask()
        except Unsettled as unsettled:
            settle(unsettled.projects)
    return ask()


def _settle(project: int) -> None:
    store = get_store()
    for _ in range(TRIES):
        phase = settle_in_redis(store, project, now=int(time.time()))
        if phase is Phase.DELETING:
            deleting.finish([project])
        elif phase is Phase.MERGING:
            merging.finish(project)
        else:
            return
    raise Unsettled([project])
