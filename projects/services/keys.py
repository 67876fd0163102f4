"""Keys and inbound filters, which decide what happens to a project's events."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from projects.connections import get_store
from projects.models import Project, ProjectFilters, ProjectKey
from projects.services import history, wording
from projects.services.object_limits import refuse_more


@transaction.atomic
def save_intake(project: Project, *changed: ProjectKey | ProjectFilters) -> None:
    """Save new or changed keys or filters of the project. The next event obeys them, because the project is closed.

    Raises ValidationError, LimitReached, Project.DoesNotExist, redis.exceptions.RedisError.
    """
    owner = Project.objects.select_for_update().get(pk=project.pk)
    refuse_more(
        project.keys.all(),
        adding=sum(isinstance(row, ProjectKey) and row._state.adding for row in changed),
        setting="PROJECT_MAX_KEYS",
        of="project",
        what="keys",
        do="delete some that are not in use, or raise the limit",
    )
    for row in changed:
        said = _changes(row)
        row.full_clean()
        row.save()
        history.note_project(owner, *said)
    get_store().close(project.pk)


def create_key(*, project: Project, label: str = "Default") -> ProjectKey:
    """Create a key and return it. Raises as save_intake does."""
    key = ProjectKey(project=project, label=label)
    save_intake(project, key)
    return key


@transaction.atomic
def delete_keys(keys: Iterable[ProjectKey]) -> None:
    """Delete keys, all or none. Their counts stay. Raises Project.DoesNotExist, redis.exceptions.RedisError."""
    for key in keys:
        project = Project.objects.select_for_update().get(pk=key.project_id)
        history.note_project(project, f"deleted {wording.named_key(key)}")
        key.delete()
        get_store().close(key.project_id)


def _changes(row: ProjectKey | ProjectFilters) -> list[str]:
    """Return what the history says of a key or of filters that are about to be saved."""
    if isinstance(row, ProjectKey):
        return wording.of_key(ProjectKey.objects.filter(pk=row.pk).first(), row)
    return wording.of_filters(ProjectFilters.objects.filter(pk=row.pk).first(), row)
