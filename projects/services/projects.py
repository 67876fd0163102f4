"""Projects and their slugs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.db import transaction

from projects import installation
from projects.cache import forget
from projects.connections import get_store
from projects.models import Organization, Project, ProjectKey, ProjectRedirect
from projects.services import deleting
from projects.services.limits import lock, refuse_more
from projects.services.settling import settle, settled
from projects.services.slugs import cache_keys
from tsdb.state import Phase

MOST_EARLIER_SLUGS = 100
"""That still lead to a project, the latest; whoever may rename it could make rows without end."""


@transaction.atomic
def create_project(*, organization: Organization, slug: str, name: str, platform: str = "") -> Project:
    """A project with a first key. Raises ValidationError, LimitReached, projects.installation.ForeignRedis."""
    lock(organization)
    refuse_more(
        organization.projects.all(),
        adding=1,
        setting="ORGANIZATION_MAX_PROJECTS",
        of="organization",
        what="projects",
        do="delete or merge some, or raise the limit",
    )
    project = Project(organization=organization, slug=slug, name=name, platform=platform)
    project.full_clean()
    project.save()
    installation.note_project(project.pk)
    if get_store().tombstones.has_keys(project.pk):
        # Counts of a project with the same id, in a Redis that outlived its database: whoever comes deletes them first.
        installation.refuse_foreign()
        get_store().tombstones.doom(project.pk, Phase.EMPTYING, foreign=True)

        def begin_with_nothing() -> None:
            settle([project.pk])

        transaction.on_commit(begin_with_nothing, robust=True)
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
        forget(cache_keys(old))
        _take_slug(project)
        ProjectRedirect.objects.create(organization=project.organization, slug=old.slug, project=project)
        # All of them were forgotten by the cache just now.
        oldest = project.redirects.order_by("-id")[MOST_EARLIER_SLUGS:].values_list("pk", flat=True)
        ProjectRedirect.objects.filter(pk__in=list(oldest)).delete()


def delete_projects(projects: Iterable[Project]) -> int:
    """Deletes them and their counts; returns how many keys of Redis went.

    Raises Project.DoesNotExist, and deletes nothing, where one of them is gone already. Where Redis does not answer to
    begin with, nothing is deleted either.
    """
    return deleting.finish(condemn_projects(projects))


def condemn_projects(projects: Iterable[Project]) -> list[int]:
    """Makes sure that they will be deleted; returns their ids, for deleting.finish. Raises Project.DoesNotExist."""
    numbers = sorted(project.pk for project in projects)
    if Project.objects.filter(pk__in=numbers).count() < len(numbers):
        raise Project.DoesNotExist
    settled(lambda: deleting.condemn(numbers))
    return numbers


def delete_project(*, project: Project) -> int:
    """Deletes one project, as delete_projects does."""
    return delete_projects([project])


def _take_slug(project: Project) -> None:
    """From now on the slug is the project's own, wherever it led before."""
    ProjectRedirect.objects.filter(organization=project.organization, slug=project.slug).delete()
    forget(cache_keys(project))
