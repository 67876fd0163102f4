"""Projects and their slugs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.db import transaction

from projects import installation
from projects.connections import get_store
from projects.known import changing
from projects.models import Organization, Project, ProjectKey, ProjectRedirect
from projects.services import deleting, history, wording
from projects.services.object_limits import lock, refuse_more
from projects.services.settling import settle, settled
from tsdb.state import Phase

MOST_EARLIER_SLUGS = 100
"""How many earlier slugs lead to a project: the latest ones. Without a limit, renaming could create endless rows."""


@transaction.atomic
def create_project(*, organization: Organization, slug: str, name: str, platform: str = "") -> Project:
    """Create a project with a first key and return it.

    Raises ValidationError, LimitReached, projects.installation.ForeignRedis, redis.exceptions.RedisError.
    """
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
        # Redis has outlived its database and holds counts of another project with this id. The tombstone makes sure
        # that they are deleted before anybody reads or counts.
        installation.refuse_foreign()
        get_store().tombstones.doom(project.pk, Phase.EMPTYING, foreign=True)

        def begin_with_nothing() -> None:
            settle([project.pk])

        transaction.on_commit(begin_with_nothing, robust=True)
    _take_slug(project)
    ProjectKey.objects.create(project=project)
    history.note_project(project, f"created the project {wording.quoted(name)}")
    return project


@contextmanager
def changing_project(number: int) -> Iterator[Project]:
    """Lock the project for a change that depends on the present values of it or of its keys.

    Opens a transaction and yields the project with its organization. Raises Project.DoesNotExist.
    """
    with transaction.atomic():
        rows = Project.objects.select_for_update(of=("self",)).select_related("organization")
        yield rows.get(pk=number)


@transaction.atomic
def update_project(*, project: Project) -> None:
    """Save a changed project. If its slug changed, the old one leads to it until another project takes it.

    Raises ValidationError, Project.DoesNotExist.
    """
    old = Project.objects.select_for_update().get(pk=project.pk)
    project.full_clean()
    project.save()
    history.note_project(project, *wording.of_project(old, project))
    if old.slug != project.slug:
        _take_slug(project)
        ProjectRedirect.objects.create(organization=project.organization, slug=old.slug, project=project)
        oldest = project.redirects.order_by("-id")[MOST_EARLIER_SLUGS:].values_list("pk", flat=True)
        ProjectRedirect.objects.filter(pk__in=list(oldest)).delete()


def delete_projects(projects: Iterable[Project]) -> int:
    """Delete projects and their counts. Return how many keys of Redis were deleted.

    Raises Project.DoesNotExist if one of them does not exist any more, and RedisError if Redis does not answer. In both
    cases nothing is deleted. If Redis fails later, whoever meets one of the projects finishes the deletion.
    """
    return deleting.finish(condemn_projects(projects))


def condemn_projects(projects: Iterable[Project]) -> list[int]:
    """Condemn the projects, so that they will be deleted. Return their ids, for deleting.finish.

    Raises Project.DoesNotExist if one of them does not exist any more.
    """
    numbers = sorted(project.pk for project in projects)
    if Project.objects.filter(pk__in=numbers).count() < len(numbers):
        raise Project.DoesNotExist
    settled(lambda: deleting.condemn(numbers))
    return numbers


def delete_project(*, project: Project) -> int:
    """Delete one project, as delete_projects does."""
    return delete_projects([project])


def _take_slug(project: Project) -> None:
    """Delete the redirect of a project that had this slug before. What is known of the organization changes."""
    changing([project.organization_id])
    ProjectRedirect.objects.filter(organization=project.organization, slug=project.slug).delete()
