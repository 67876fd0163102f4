"""Deleting projects with their counts: first a tombstone, then the keys in Redis, then the rows in the database.

Once a project has its tombstone, nobody counts into it or reads it. Whoever meets a tombstone finishes the deletion, so
it may be interrupted at any point. No lock of the database is held while keys are deleted, because that may take
seconds.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from projects.connections import get_store
from projects.known import changing
from projects.models import Project
from projects.services import history, wording
from tsdb.state import Phase
from tsdb.states import Unsettled


def condemn(projects: Sequence[int]) -> None:
    """Put a tombstone on each project. From then on it will be deleted, by `finish` or by whoever meets it.

    The history says it now, because this is when it is decided. Raises Unsettled with the projects that take part in a
    merge, which must be finished first. The other projects have their tombstones then.
    """
    if not projects:
        return
    store, unsettled = get_store(), []
    for project, state in zip(projects, store.states.get_many(projects), strict=True):
        try:
            with transaction.atomic():
                if state.phase is not Phase.DELETING:  # otherwise somebody else has decided it
                    for row in Project.objects.filter(pk=project):
                        history.note_project(row, f"deleted the project {wording.quoted(row.name)} with all its counts")
                store.tombstones.doom(project, Phase.DELETING)
        except Unsettled:
            unsettled.append(project)
    if unsettled:
        raise Unsettled(unsettled)


def finish(projects: Sequence[int]) -> int:
    """Delete condemned projects. Return how many keys of Redis were deleted, including the tombstones."""
    if not projects:
        return 0
    store = get_store()
    tombstones = dict(zip(projects, store.states.get_many(projects), strict=True))
    gone = store.tombstones.sweep(projects)
    with transaction.atomic():
        rows = list(Project.objects.select_for_update().filter(pk__in=projects).order_by("pk"))
        changing(row.organization_id for row in rows)
        for row in rows:
            row.delete()
    for project, tombstone in tombstones.items():
        if tombstone.phase is Phase.DELETING:  # otherwise another process has finished it
            store.tombstones.bury(project, tombstone)
    return gone + len(projects)


def empty(project: int) -> int:
    """Delete all counts of a project, but not the project. Return how many keys of Redis were deleted.

    Raises Unsettled if the project takes part in a merge or is being deleted.
    """
    store = get_store()
    with transaction.atomic():
        for row in Project.objects.filter(pk=project):
            history.note_project(row, "deleted all counts of the project")
        tombstone = store.tombstones.doom(project, Phase.EMPTYING)
    gone = store.tombstones.sweep([project])
    store.tombstones.bury(project, tombstone)
    return gone + 1
