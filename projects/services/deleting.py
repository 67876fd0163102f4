"""Deleting projects and their counts: a tombstone first, their keys next, their rows last.

From the tombstone on nobody counts into a project or reads it. Whoever comes upon one finishes the deletion, so it does
not matter where it died. No lock of the database is held while keys are deleted, which may take seconds.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from projects.cache import forget
from projects.connections import get_store
from projects.models import Project
from projects.services.slugs import cache_keys
from tsdb.state import Phase
from tsdb.states import Unsettled


def condemn(projects: Sequence[int]) -> None:
    """Puts a tombstone for each; they will be deleted, by `finish` or by whoever meets one.

    Raises Unsettled for those that take part in a merge, which must be finished first.
    """
    store, unsettled = get_store(), []
    for project in projects:
        try:
            store.tombstones.doom(project, Phase.DELETING)
        except Unsettled:
            unsettled.append(project)
    if unsettled:
        raise Unsettled(unsettled)


def finish(projects: Sequence[int]) -> int:
    """Deletes condemned projects; returns how many keys of Redis went, tombstones included."""
    if not projects:
        return 0
    store = get_store()
    tombstones = dict(zip(projects, store.states.get_many(projects), strict=True))
    gone = store.tombstones.sweep(projects)
    with transaction.atomic():
        for row in Project.objects.select_for_update().filter(pk__in=projects).order_by("pk"):
            forget(cache_keys(row))
            row.delete()
    for project, tombstone in tombstones.items():
        if tombstone.phase is Phase.DELETING:  # else another one has finished
            store.tombstones.bury(project, tombstone)
    return gone + len(projects)


def empty(project: int) -> int:
    """Deletes every count of a project that stays; returns how many keys of Redis went. Raises Unsettled."""
    store = get_store()
    tombstone = store.tombstones.doom(project, Phase.EMPTYING)
    gone = store.tombstones.sweep([project])
    store.tombstones.bury(project, tombstone)
    return gone + 1
