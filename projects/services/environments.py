"""The environments of a project, which come with the events that name them."""

from __future__ import annotations

from projects import selectors
from projects.cache import replace
from projects.models import Environment
from projects.services.locking import held

MOST_ENVIRONMENTS = 100
OTHER_ENVIRONMENT = "other"


def environment_id(project: int, name: str) -> int:
    """The id of the project's environment, made on first sight; beyond the first 100 they share one, `other`.

    Raises Project.DoesNotExist, RowLocked.
    """
    known = selectors.environments_of(project)
    if name not in known and len(known) > MOST_ENVIRONMENTS:
        name = OTHER_ENVIRONMENT
    if name in known:
        return known[name]
    # The lock keeps two first sights from passing the limit together.
    with held(project):
        known = selectors.load_environments(project)
        if name not in known:
            full = len(known.keys() - {OTHER_ENVIRONMENT}) >= MOST_ENVIRONMENTS
            name = OTHER_ENVIRONMENT if full else name
        if name not in known:
            known[name] = Environment.objects.create(project_id=project, name=name).pk
    # Environments only ever come, so an older list in the cache costs one more look, never a wrong id.
    replace(selectors.environments_cache_key(project), known)
    return known[name]
