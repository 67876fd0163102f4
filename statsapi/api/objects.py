"""The objects that a URL names. An object that the caller may not see does not exist for them."""

from __future__ import annotations

from collections.abc import Mapping

from django.urls import reverse
from rest_framework.exceptions import PermissionDenied

from projects import selectors
from projects.selectors import FoundProject, find_access, find_accesses, find_project
from statsapi.api.base import ApiView
from statsapi.api.errors import Missing, Moved
from statsapi.api.permissions import PROJECT_SCOPES, allows


def get_organization(view: ApiView, reference: str) -> int:
    """Return the id of the organization with that slug or id.

    Raises Missing, or PermissionDenied if a user's role is too low.
    """
    caller = view.caller
    if caller.token is not None:
        if reference not in (caller.token.organization_slug, str(caller.token.organization)):
            raise Missing
        return caller.token.organization
    access = caller.user and find_access(caller.user, reference)
    if not access:
        raise Missing
    if not allows(view.needed_scopes, access.scopes):
        raise PermissionDenied
    return access.organization


def get_team(view: ApiView, organization_slug: str, team_slug: str) -> int:
    """Return the id of the organization whose one team has that slug or id, which are the organization's own.

    Raises Missing, or PermissionDenied if a user's role is too low.
    """
    organization = get_organization(view, organization_slug)
    if team_slug not in (selectors.get_organization(organization).slug, str(organization)):
        raise Missing
    return organization


def may_see_secrets(view: ApiView, organization: int) -> bool:
    """Return whether the caller may see the secret halves of keys.

    These are a token that may read projects, and a user who is more than a viewer.
    """
    caller = view.caller
    if caller.token is not None:
        return allows(PROJECT_SCOPES["GET"], caller.token.scopes)
    access = find_access(caller.user, str(organization)) if caller.user else None
    return access is not None and allows(PROJECT_SCOPES["PUT"], access.scopes)


def visible_organizations(view: ApiView) -> list[int]:
    """Return the ids of the organizations in which the caller has a scope that the view asks for."""
    caller = view.caller
    if caller.token is not None:
        return [caller.token.organization]
    accesses = find_accesses(caller.user) if caller.user else []
    return [access.organization for access in accesses if allows(view.needed_scopes, access.scopes)]


def project_slugs(view: ApiView, organization: int) -> Mapping[int, str]:
    """Return the slug of each project of the organization, by the project's id, in the order of the slugs."""
    known = view.caller.known
    return known.slugs() if known else selectors.project_slugs(organization)


def get_project(view: ApiView, organization_slug: str, project_slug: str) -> FoundProject:
    """Return the project with that slug or id.

    Raises Missing, PermissionDenied, or Moved if it has another slug now.
    """
    organization = get_organization(view, organization_slug)
    known = view.caller.known
    project = known.project(project_slug) if known else find_project(organization, project_slug)
    if project is None:
        raise Missing
    if project.moved:
        raise Moved(project.slug, _address_with(view, project.slug))
    return project


def _address_with(view: ApiView, project_slug: str) -> str:
    """Return the path and query of the request, with the project's slug of now."""
    match = view.request.resolver_match
    assert match is not None  # noqa: S101 - a view was found
    path = reverse(match.view_name, kwargs={**match.kwargs, "project_slug": project_slug})
    query = view.request.META.get("QUERY_STRING", "")
    return f"{path}?{query}" if query else path
