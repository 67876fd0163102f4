"""The environments of a project. They are created when the first event names them."""

from __future__ import annotations

from collections.abc import Mapping

from projects import selectors
from projects.models import Environment
from projects.services.locking import locked_project

MOST_ENVIRONMENTS = 100
OTHER_ENVIRONMENT = "other"


def environment_id(project: int, name: str, *, known: Mapping[str, int] | None = None) -> int:
    """Return the id of the project's environment with this name, created if it is new.

    A project has at most MOST_ENVIRONMENTS, and one more, `other`, which all further names share. `known` are those
    that the caller knows; new ones may be missing. Raises Project.DoesNotExist, RowLocked.
    """
    if known is None:
        known = selectors.load_environments(project)
    if name not in known and len(known) > MOST_ENVIRONMENTS:
        name = OTHER_ENVIRONMENT
    if name in known:
        return known[name]
    # With the lock, two new names cannot exceed the limit together.
    with locked_project(project):
        there = selectors.load_environments(project)
        if name not in there:
            full = len(there.keys() - {OTHER_ENVIRONMENT}) >= MOST_ENVIRONMENTS
            name = OTHER_ENVIRONMENT if full else name
        if name not in there:
            there[name] = Environment.objects.create(project_id=project, name=name).pk
    return there[name]
