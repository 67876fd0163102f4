"""Organizations and their members."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import transaction

from projects.cache import forget
from projects.models import ApiToken, Membership, Organization, Project
from projects.services.limits import lock, refuse_more
from projects.services.projects import condemn_projects, delete_projects
from projects.services.tokens import token_keys


def create_organization(*, slug: str, name: str) -> Organization:
    """Raises ValidationError."""
    organization = Organization(slug=slug, name=name)
    organization.full_clean()
    organization.save()
    return organization


@transaction.atomic
def update_organization(*, organization: Organization) -> None:
    """Saves a changed organization; its tokens carry its slug."""
    organization.full_clean()
    organization.save()
    forget(token_keys(organization.tokens.all()))


def delete_organizations(organizations: Iterable[Organization]) -> int:
    """Deletes them with all their projects and counts; returns how many keys of Redis went."""
    return finish_organizations(condemn_organizations(organizations))


def condemn_organizations(organizations: Iterable[Organization]) -> list[int]:
    """Makes sure that all their projects will be deleted; returns their ids, for finish_organizations."""
    numbers = [organization.pk for organization in organizations]
    condemn_projects(Project.objects.filter(organization__in=numbers))
    return numbers


def finish_organizations(numbers: Sequence[int]) -> int:
    """Deletes the organizations with these ids, and what was made in them meanwhile too."""
    gone = 0
    while not _delete_empty(numbers):
        # An organization is locked only when it has no projects any more: to delete their keys takes its time.
        gone += delete_projects(Project.objects.filter(organization__in=numbers))
    return gone


@transaction.atomic
def _delete_empty(numbers: Sequence[int]) -> bool:
    """Deletes the organizations, unless one of them has a project."""
    # From here on nothing can be made in them.
    list(Organization.objects.select_for_update().filter(pk__in=numbers).order_by("pk"))
    if Project.objects.filter(organization__in=numbers).exists():
        return False
    forget(token_keys(ApiToken.objects.filter(organization__in=numbers)))
    Organization.objects.filter(pk__in=numbers).delete()
    return True


def delete_organization(*, organization: Organization) -> int:
    """Deletes one organization, as delete_organizations does."""
    return delete_organizations([organization])


def add_member(*, organization: Organization, user_id: int, role: str = Membership.Role.VIEWER) -> Membership:
    """Raises ValidationError, LimitReached."""
    membership = Membership(organization=organization, user_id=user_id, role=role)
    save_members(organization, membership)
    return membership


@transaction.atomic
def save_members(organization: Organization, *changed: Membership) -> None:
    """Saves new and changed members. Raises ValidationError, LimitReached."""
    lock(organization)
    refuse_more(
        organization.memberships.all(),
        adding=sum(membership._state.adding for membership in changed),
        setting="ORGANIZATION_MAX_MEMBERS",
        of="organization",
        what="members",
        do="remove some, or raise the limit",
    )
    for membership in changed:
        membership.full_clean()
        membership.save()
