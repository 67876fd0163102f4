"""Counting into a project, which the store does only while the project is there."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.cache import cache
from django.db import transaction
from redis.exceptions import RedisError

from projects import selectors
from projects.cache import ENTRY_SECONDS
from projects.connections import get_store
from projects.models import Environment, Project
from tsdb.series import Series, parse_environment
from tsdb.series import environment as environment_series
from tsdb.store import Claim, Increment, ProjectClosed

COUNT_TRIES = 5
"""A change or deletion may close a project again before it is counted into; so often in a row, somebody is at fault."""

MOST_ENVIRONMENTS = 100
OTHER_ENVIRONMENT = "other"


class Unsettled(RedisError):
    """The project was closed before every try to count; nothing was counted, and it can be tried again."""


def open_project(project: int) -> str:
    """Lets the store count into the project; returns its version there. Raises Project.DoesNotExist."""
    Project.objects.get(pk=project)  # a flood of unknown ids must not queue for the lock below
    with transaction.atomic():
        # The lock makes this wait for a change or deletion under way, and those wait for this: a version that is given
        # out stands for rows that were read after it, and a deleted project stays closed.
        Project.objects.select_for_update().get(pk=project)
        return get_store().open(project)


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

    Interrupted and run again, it goes on where it stopped: nothing is lost and nothing is doubled. What arrives for the
    source meanwhile stays with it or comes along. Keys stay with their project, and so does what was ever counted of
    each (the running totals). Raises Project.DoesNotExist.
    """
    store = get_store()
    open_project(destination)
    open_project(source)
    found = store.series_of(source)
    names = {number: name for name, number in selectors.load_environments(source).items()}
    for name in found:
        into = name
        environment = parse_environment(name)
        if environment is not None:
            into = environment_series(destination, environment_id(destination, names[environment])).name
        _merge(Series(destination, into), Series(source, name))
    return len(found)


def _merge(destination: Series, source: Series) -> None:
    gone: set[int] = set()
    for _ in range(COUNT_TRIES):
        try:
            return get_store().merge(destination, [source], gone=gone)
        except ProjectClosed as closed:
            for project in closed.projects:
                try:
                    open_project(project)
                except Project.DoesNotExist:
                    if project in (destination.project, source.project):
                        raise
                    gone.add(project)  # where an interrupted move wanted to go
    raise Unsettled("a project changes too often")


def environment_id(project: int, name: str) -> int:
    """The id of the project's environment, made on first sight; beyond the first 100 they share one, `other`.

    Raises Project.DoesNotExist.
    """
    known = selectors.environments_of(project)
    if name not in known and len(known) > MOST_ENVIRONMENTS:
        name = OTHER_ENVIRONMENT
    if name in known:
        return known[name]
    with transaction.atomic():
        # The lock keeps two first sights from passing the limit together.
        Project.objects.select_for_update().get(pk=project)
        known = selectors.load_environments(project)
        if name not in known:
            full = len(known.keys() - {OTHER_ENVIRONMENT}) >= MOST_ENVIRONMENTS
            name = OTHER_ENVIRONMENT if full else name
        if name not in known:
            known[name] = Environment.objects.create(project_id=project, name=name).pk
    # Environments only ever come, so an older list in the cache costs one more look, never a wrong id.
    cache.set(selectors.environments_cache_key(project), known, ENTRY_SECONDS)
    return known[name]
