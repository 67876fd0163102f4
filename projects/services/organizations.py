"""Organizations: creating, changing and deleting them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import transaction

from projects.known import changing
from projects.models import Organization, Project
from projects.services import history, wording
from projects.services.object_limits import lock
from projects.services.projects import condemn_projects, delete_projects


@transaction.atomic
def create_organization(*, slug: str, name: str) -> Organization:
    """Create an organization and return it. Raises ValidationError."""
    organization = Organization(slug=slug, name=name)
    organization.full_clean()
    organization.save()
    history.note(organization.pk, f"created the organization {wording.quoted(name)}")
    return organization


@transaction.atomic
def update_organization(*, organization: Organization) -> None:
    """Save a changed organization. Raises ValidationError, Organization.DoesNotExist."""
    old = lock(organization)
    organization.full_clean()
    changing([organization.pk])
    organization.save()
    history.note(organization.pk, *wording.of_organization(old, organization))


def condemn_organizations(organizations: Iterable[Organization]) -> list[int]:
    """Condemn all projects of the organizations. Return the organizations' ids, for finish_organizations."""
    numbers = [organization.pk for organization in organizations]
    condemn_projects(Project.objects.filter(organization__in=numbers))
    return numbers


def finish_organizations(numbers: Sequence[int]) -> int:
    """Delete the organizations with these ids, and all projects in them, also those that were created meanwhile.

    Return how many keys of Redis were deleted.
    """
    gone = 0
    while not _delete_empty(numbers):
        # An organization is locked only once it has no projects, because deleting their keys may take seconds.
        gone += delete_projects(Project.objects.filter(organization__in=numbers))
    return gone


@transaction.atomic
def _delete_empty(numbers: Sequence[int]) -> bool:
    """Delete the organizations and return True, or return False if one of them has a project."""
    # With this lock nothing can be created in them any more.
    list(Organization.objects.select_for_update().filter(pk__in=numbers).order_by("pk"))
    if Project.objects.filter(organization__in=numbers).exists():
        return False
    changing(numbers)
    Organization.objects.filter(pk__in=numbers).delete()
    return True


def delete_organization(*, organization: Organization) -> int:
    """Delete an organization with all its projects and counts. Return how many keys of Redis were deleted."""
    return finish_organizations(condemn_organizations([organization]))
