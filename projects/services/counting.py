"""Counting into a project, and opening it for that. The store counts only into projects that exist and are open."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from django.db import transaction
from redis.exceptions import RedisError

from projects import installation
from projects.connections import get_store
from projects.models import Project
from projects.services import history, merging
from projects.services.locking import RowLocked, locked_project
from projects.services.settling import TRIES, settle, settled
from tsdb.state import Phase
from tsdb.states import Unsettled as UnsettledStates
from tsdb.store import Claim, Increment, ProjectClosed


class Unsettled(RedisError):
    """Raised if the project was closed again before every try. Nothing was done, and the call can be repeated."""


def open_project(project: int) -> str:
    """Let the store count into the project, and return the version under which it does.

    A change that somebody began is finished first: a deletion, a merge, or rings of other shapes. Raises
    Project.DoesNotExist, Unsettled, RowLocked, and redis.exceptions.RedisError.
    """
    for _ in range(TRIES):
        row = Project.objects.get(pk=project)  # a flood of unknown ids must not wait for the lock below
        settle([project])
        is_absent = get_store().states.get(project).phase is Phase.ABSENT
        missing = _missing({project: row.created}, [project] if is_absent else [])
        with locked_project(project):
            # With the lock, this waits for a change that is under way, and a change waits for this. So the rows that
            # are read after this fit the version.
            try:
                return get_store().open(project, filled=missing.get(project, {}))
            except UnsettledStates:
                continue
    raise Unsettled("the project changes too often")


def open_projects(projects: Collection[int]) -> dict[int, str | Exception]:
    """Let the store count into several projects, and return for each its version or the error that prevented it.

    The errors that are returned:
    - Project.DoesNotExist.
    - tsdb.states.Unsettled: something must be finished first, by `settle`, which may take a while.
    - RowLocked: another transaction holds the row. Waiting for it would hold up all other projects.
    - any other RedisError.

    Raises django.db.DatabaseError, RedisError.
    """
    created = dict(Project.objects.filter(pk__in=projects).order_by().values_list("pk", "created"))
    found: dict[int, str | Exception] = dict.fromkeys(projects, Project.DoesNotExist())
    if created:
        states = get_store().states
        known = dict(zip(created, states.get_many(list(created)), strict=True))
        missing = _missing(created, [number for number, state in known.items() if state.phase is Phase.ABSENT])
        found.update(dict.fromkeys(created, RowLocked("the project's row is locked")))
        with transaction.atomic():
            rows = Project.objects.select_for_update(skip_locked=True).filter(pk__in=created).order_by()
            mine = {number: known[number] for number in rows.values_list("pk", flat=True)}
            found.update(states.open_many(mine, missing))
    return found


def _missing(created: Mapping[int, datetime], absent: Collection[int]) -> dict[int, dict[int, int]]:
    """Return since when each resolution is complete, for the projects that lost counts when Redis was emptied.

    `created` says when each project was created. Only projects that are `absent` from Redis may have lost counts. The
    result maps a project to its resolutions (seconds) with the time (seconds since the epoch) of each.
    """
    store = get_store()
    if not absent:
        return {}
    emptied = installation.emptied_at()
    filled = {rollup.seconds: -(-emptied // rollup.seconds) * rollup.seconds for rollup in store.rollups}
    return {number: filled for number in absent if created[number].timestamp() < emptied}


def count(project: int, increments: Sequence[Increment], *, now: int, claim: Claim | None = None) -> bool:
    """Count all increments of one project, or none. Return False if the claim was already counted.

    `now` is in seconds since the epoch. Raises Project.DoesNotExist, tsdb.store.ClaimConflict, ValueError,
    redis.exceptions.RedisError.
    """
    store = get_store()
    for _ in range(TRIES):
        try:
            return store.incr_multi(increments, now=now, claim=claim)
        except ProjectClosed:
            open_project(project)
    raise Unsettled("the project changes too often")


def merge_projects(*, source: int, destination: int) -> int:
    """Move every count of the source into the destination, and return how many series were moved.

    If the process dies in the middle, the next request that meets one of the two projects goes on where it stopped.
    Nothing is lost or counted twice. Events that arrive for the source meanwhile either stay with it or are moved too.
    Keys stay with their project, and so do the running totals. The history says it when the merge begins, because from
    then on somebody will finish it. Raises Project.DoesNotExist, Unsettled, redis.exceptions.RedisError.
    """
    store, is_noted = get_store(), False
    for _ in range(TRIES):
        open_project(destination)
        open_project(source)
        number = len(settled(lambda: store.series_of(source)))
        if not merging.begin(source=source, destination=destination):
            continue
        if not is_noted:
            _note_merge(source, destination, "moved all counts into", "took in all counts of")
            is_noted = True
        if merging.finish(destination):
            return number
    if is_noted:
        _note_merge(source, destination, "gave up moving counts into", "gave up taking in counts of")
    raise Unsettled("a project changes too often")


@transaction.atomic
def _note_merge(source: int, destination: int, of_source: str, of_destination: str) -> None:
    """Write a line about each of the two projects, so that the history of each says where counts went or came from.

    The two texts say what the project does; the slug of the other one follows.
    """
    rows = Project.objects.in_bulk([source, destination])
    if len(rows) == 2:
        history.note_project(rows[source], f"{of_source} the project {rows[destination].slug}")
        history.note_project(rows[destination], f"{of_destination} the project {rows[source].slug}")
