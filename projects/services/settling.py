"""Settling a project: finishing a change of several steps that somebody else began.

Such a change writes its intention into the project's state in Redis before its first step (tsdb/state.py). So nobody
reads a half-changed project or counts into one. If the process dies in the middle, the next request that meets the
project finishes the change and then asks again.
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
"""How often a project is tried in a row before the request fails: it is being changed or deleted without a pause."""


def settle(projects: Iterable[int]) -> None:
    """Finish what was begun with each project.

    Raises Unsettled, redis.exceptions.RedisError, django.db.DatabaseError.
    """
    for project in projects:
        _settle(project)


def settled(ask: Callable[[], T]) -> T:
    """Return what `ask` returns. If it raises Unsettled, settle the projects that the error names, and ask again.

    Raises Unsettled if they are not settled after TRIES attempts, and everything else that `ask` and `settle` raise.
    """
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
