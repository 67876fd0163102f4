"""The objects that a URL names. An object that the caller may not see does not exist for them."""

from __future__ import annotations

from django.urls import reverse
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from projects.selectors import FoundProject, find_access, find_accesses, find_project
from statsapi.api.authentication import known_caller_of
from statsapi.api.base import ApiView
from statsapi.api.errors import Missing, Moved
from statsapi.api.permissions import PROJECT_SCOPES, allows, scopes_for


def get_organization(view: ApiView, request: Request, reference: str) -> int:
    """Return the id of the organization with that slug or id.

    Raises Missing, or PermissionDenied if a user's role is too low.
    """
    caller = known_caller_of(request)
    if caller.token is not None:
        if reference not in (caller.token.organization_slug, str(caller.token.organization)):
            raise Missing
        return caller.token.organization
    access = caller.user and find_access(caller.user, reference)
    if not access:
        raise Missing
    if not allows(scopes_for(request, view), access.scopes):
        raise PermissionDenied
    return access.organization


def may_see_secrets(request: Request, organization: int) -> bool:
    """Return whether the caller may see the secret halves of keys: a token, or a user who is more than a viewer."""
    caller = known_caller_of(request)
    if caller.token is not None:
        return True
    access = find_access(caller.user, str(organization)) if caller.user else None
    return access is not None and allows(PROJECT_SCOPES["PUT"], access.scopes)


def visible_organizations(view: ApiView, request: Request) -> list[int]:
    """Return the ids of the organizations in which the caller has a scope that the view asks for."""
    caller = known_caller_of(request)
    if caller.token is not None:
        return [caller.token.organization]
    needed = scopes_for(request, view)
    accesses = find_accesses(caller.user) if caller.user else []
    return [access.organization for access in accesses if allows(needed, access.scopes)]


def get_project(view: ApiView, request: Request, organization_slug: str, project_slug: str) -> FoundProject:
    """Return the project with that slug or id.

    Raises Missing, PermissionDenied, or Moved if it has another slug now.
    """
    organization = get_organization(view, request, organization_slug)
    project = find_project(organization, project_slug, known_caller_of(request).ahead)
    if project is None:
        raise Missing
    if project.moved:
        match = request.resolver_match
        assert match is not None  # noqa: S101 - a view was found
        url = reverse(match.view_name, kwargs={**match.kwargs, "project_slug": project.slug})
        query = request.META.get("QUERY_STRING", "")
        raise Moved(project.slug, f"{url}?{query}" if query else url)
    return project
