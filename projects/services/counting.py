"""Counting into a project, which the store does only while the project is there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from django.db import transaction
from redis.exceptions import RedisError

from projects import installation
from projects.connections import get_store
from projects.models import Project
from projects.services import merging
from projects.services.locking import RowLocked, held
from projects.services.settling import settle, settled
from tsdb.state import Phase
from tsdb.states import Unsettled as UnsettledStates
from tsdb.store import Claim, Increment, ProjectClosed

COUNT_TRIES = 5
"""A change or deletion may close a project again before it is counted into; so often in a row, somebody is at fault."""


class Unsettled(RedisError):
    """The project was closed before every try to count; nothing was counted, and it can be tried again."""


def open_project(project: int) -> str:
    """Lets the store count into the project; returns its version there. Raises Project.DoesNotExist, Unsettled.

    What was begun with the project is finished first: a deletion, a merge, rings of other shapes.
    """
    for _ in range(COUNT_TRIES):
        row = Project.objects.get(pk=project)  # a flood of unknown ids must not queue for the lock below
        settle([project])
        is_absent = get_store().states.get(project).phase is Phase.ABSENT
        missing = _missing({project: row.created}, [project] if is_absent else [])
        with held(project):
            # The lock makes this wait for a change under way, and that waits for this: a version that is given out
            # stands for rows that were read after it.
            try:
                return get_store().open(project, filled=missing.get(project, {}))
            except UnsettledStates:
                continue
    raise Unsettled("the project changes too often")


def open_projects(projects: Collection[int]) -> dict[int, str | Exception]:
    """As open_project, of many at once: the version of each, or why there is none.

    That is Project.DoesNotExist; tsdb.states.Unsettled, where something must be finished first (settle), which takes
    its time; RowLocked, where another one holds the row, for which nobody waits here, since that would hold up all
    others; or another RedisError. Raises django.db.DatabaseError, RedisError.
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
    """Since when each resolution is complete of those projects whose counts went with an emptied Redis.

    `created` says when each was made; those that are `absent` from Redis may have lost counts.
    """
    store = get_store()
    if not absent:
        return {}
    emptied = installation.emptied_at()
    filled = {rollup.seconds: -(-emptied // rollup.seconds) * rollup.seconds for rollup in store.rollups}
    return {number: filled for number in absent if created[number].timestamp() < emptied}


def count(project: int, increments: Sequence[Increment], *, now: int, claim: Claim | None = None) -> bool:
    """Counts increments of one project, all or none; False: the claim had been counted before.

    Raises Project.DoesNotExist, tsdb.store.ClaimConflict, ValueError, redis.exceptions.RedisError.
    """
    store = get_store()
    for _ in range(COUNT_TRIES):
        try:
            return store.incr_multi(increments, now=now, claim=claim)
        except ProjectClosed:
            open_project(project)
    raise Unsettled("the project changes too often")


def merge_projects(*, source: int, destination: int) -> int:
    """Moves every count of the source into the destination; returns how many series were moved.

    Whoever dies in the middle, the next who meets one of the two goes on where it stopped: nothing is lost and nothing
    is doubled. What arrives for the source meanwhile stays with it or comes along. Keys stay with their project, and so
    does what was ever counted of each (the running totals). Raises Project.DoesNotExist.
    """
    store = get_store()
    for _ in range(COUNT_TRIES):
        open_project(destination)
        open_project(source)
        number = len(settled(lambda: store.series_of(source)))
        if merging.begin(source=source, destination=destination) and merging.finish(destination):
            return number
    raise Unsettled("a project changes too often")
