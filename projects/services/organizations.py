"""Organizations and their members."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from projects.cache import forget
from projects.models import ApiToken, Membership, Organization, Project
from projects.services.projects import delete_projects
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


@transaction.atomic
def delete_organizations(organizations: Iterable[Organization]) -> int:
    """Deletes them with all their projects and counts; returns how many keys of Redis went."""
    numbers = [organization.pk for organization in organizations]
    # A rename locks its project before its organization, and so does this.
    gone = delete_projects(Project.objects.filter(organization__in=numbers))
    # From here on nothing can be made in them. What was made meanwhile goes too: it would be counted into for ever.
    list(Organization.objects.select_for_update().filter(pk__in=numbers).order_by("pk"))
    gone += delete_projects(Project.objects.filter(organization__in=numbers))
    forget(token_keys(ApiToken.objects.filter(organization__in=numbers)))
    Organization.objects.filter(pk__in=numbers).delete()
    return gone


def delete_organization(*, organization: Organization) -> int:
    """The same of one."""
    return delete_organizations([organization])


def add_member(*, organization: Organization, user_id: int, role: str = Membership.Role.MEMBER) -> Membership:
    membership = Membership(organization=organization, user_id=user_id, role=role)
    membership.full_clean()
    membership.save()
    return membership
