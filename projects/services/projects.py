"""Projects and their slugs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.db import transaction

from projects import selectors
from projects.cache import forget
from projects.connections import get_store
from projects.models import Organization, Project, ProjectKey, ProjectRedirect


@transaction.atomic
def create_project(*, organization: Organization, slug: str, name: str, platform: str = "") -> Project:
    """A project with a first key. Raises ValidationError."""
    project = Project(organization=organization, slug=slug, name=name, platform=platform)
    project.full_clean()
    project.save()
    if get_store().version(project.pk) is not None:
        # Counts of a project with the same id, in a Redis that outlived its database.
        get_store().delete([project.pk])
    _take_slug(project)
    ProjectKey.objects.create(project=project)
    return project


@contextmanager
def changing_project(number: int) -> Iterator[Project]:
    """Holds the project for a change that depends on what stands there, or in its keys. Raises Project.DoesNotExist."""
    with transaction.atomic():
        rows = Project.objects.select_for_update(of=("self",)).select_related("organization")
        yield rows.get(pk=number)


@transaction.atomic
def update_project(*, project: Project) -> None:
    """Saves a changed project. Its old slug, when it has a new one, leads to it until it is taken again."""
    old = Project.objects.select_for_update().get(pk=project.pk)
    project.full_clean()
    project.save()
    if old.slug != project.slug:
        forget(_project_keys(old))
        _take_slug(project)
        ProjectRedirect.objects.create(organization=project.organization, slug=old.slug, project=project)


@transaction.atomic
def delete_projects(projects: Iterable[Project]) -> int:
    """Deletes them and their counts; returns how many keys of Redis went.

    Raises Project.DoesNotExist, and deletes nothing, where one of them is gone already.

    The counts go before the commit: where Redis does not answer, nothing is deleted and the call can be made again.
    They cannot come back meanwhile, because only open_project lets them, which waits for this transaction's locks.
    """
    numbers = sorted(project.pk for project in projects)
    rows = list(Project.objects.select_for_update().filter(pk__in=numbers).order_by("pk"))
    if len(rows) < len(numbers):
        raise Project.DoesNotExist
    for row in rows:
        forget(_project_keys(row))
    Project.objects.filter(pk__in=numbers).delete()
    return get_store().delete(numbers)


def delete_project(*, project: Project) -> int:
    """The same of one."""
    return delete_projects([project])


def _take_slug(project: Project) -> None:
    """From now on the slug is the project's own, wherever it led before."""
    ProjectRedirect.objects.filter(organization=project.organization, slug=project.slug).delete()
    forget(_project_keys(project))


def _project_keys(project: Project) -> list[str]:
    references = [str(project.pk), project.slug, *project.redirects.values_list("slug", flat=True)]
    return [selectors.project_cache_key(project.organization_id, reference) for reference in references]
