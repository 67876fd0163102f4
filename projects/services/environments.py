"""The environments of a project. They are created when the first event names them."""

from __future__ import annotations

from projects import selectors
from projects.cache import replace
from projects.models import Environment
from projects.services.locking import locked_project

MOST_ENVIRONMENTS = 100
OTHER_ENVIRONMENT = "other"


def environment_id(project: int, name: str) -> int:
    """Return the id of the project's environment with this name, created if it is new.

    A project has at most MOST_ENVIRONMENTS, and one more, `other`, which all further names share. Raises
    Project.DoesNotExist, RowLocked.
    """
    known = selectors.environments_of(project)
    if name not in known and len(known) > MOST_ENVIRONMENTS:
        name = OTHER_ENVIRONMENT
    if name in known:
        return known[name]
    # With the lock, two new names cannot exceed the limit together.
    with locked_project(project):
        known = selectors.load_environments(project)
        if name not in known:
            full = len(known.keys() - {OTHER_ENVIRONMENT}) >= MOST_ENVIRONMENTS
            name = OTHER_ENVIRONMENT if full else name
        if name not in known:
            known[name] = Environment.objects.create(project_id=project, name=name).pk
    # Environments are never deleted alone, so an older list in the cache costs one more query, but gives no wrong id.
    replace(selectors.environments_cache_key(project), known)
    return known[name]
