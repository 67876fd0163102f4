"""What decides on a project's events: its keys and filters."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from projects.connections import get_store
from projects.models import Project, ProjectFilters, ProjectKey
from projects.services.limits import refuse_more


@transaction.atomic
def save_intake(project: Project, *changed: ProjectKey | ProjectFilters) -> None:
    """Saves what decides on the project's events: its keys or filters. Obeyed at the next event.

    Raises ValidationError, LimitReached.
    """
    Project.objects.select_for_update().get(pk=project.pk)
    refuse_more(
        project.keys.all(),
        adding=sum(isinstance(row, ProjectKey) and row._state.adding for row in changed),
        setting="PROJECT_MAX_KEYS",
        of="project",
        what="keys",
        do="delete some that are not in use, or raise the limit",
    )
    for row in changed:
        row.full_clean()
        row.save()
    get_store().close(project.pk)


def create_key(*, project: Project, label: str = "Default") -> ProjectKey:
    """Raises ValidationError, LimitReached."""
    key = ProjectKey(project=project, label=label)
    save_intake(project, key)
    return key


@transaction.atomic
def delete_keys(keys: Iterable[ProjectKey]) -> None:
    """Deletes keys; what they counted stays."""
    for key in keys:
        Project.objects.select_for_update().get(pk=key.project_id)
        key.delete()
        get_store().close(key.project_id)
