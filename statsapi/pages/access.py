"""Who may open a page: the first thing that happens in each view.

A stranger is sent to the login page. What a person may not see does not exist for them: the same 404 as for a missing
object. What a person may see but not do is a 403.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import wraps

from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from projects.acting import acting_as
from projects.models import Organization, Project
from projects.selectors import find_access, find_project, get_organization

READ = "project:read"
"""A viewer may do this, and everybody else who is in the organization."""
WRITE = "project:write"
"""A member may do this, and an owner."""
OWN = "org:admin"
"""Only an owner may do this."""


@dataclass(frozen=True)
class Place:
    """The organization in which a person is, and what they may do there."""

    user: User
    organization: Organization
    scopes: frozenset[str]

    @property
    def may_write(self) -> bool:
        """Whether the person may change projects."""
        return WRITE in self.scopes

    @property
    def owns(self) -> bool:
        """Whether the person may change members, tokens and the organization, and delete projects."""
        return OWN in self.scopes


@dataclass(frozen=True)
class ProjectPlace(Place):
    """The project at which a person looks, and what they may do there."""

    project: Project


View = Callable[..., HttpResponse]


def person(methods: Collection[str] = ("GET",)) -> Callable[[View], View]:
    """Make a view a page for people who are signed in: `view(request, user, …)`."""

    def decorate(view: View) -> View:
        @wraps(view)
        @never_cache
        @require_http_methods([*methods, *(["HEAD"] if "GET" in methods else [])])
        def page(request: HttpRequest, **path: str) -> HttpResponse:
            if not isinstance(request.user, User):
                return to_login(request)
            with acting_as(request.user.get_username()):
                return view(request, request.user, **path)

        return page

    return decorate


def in_organization(needs: str = READ, methods: Collection[str] = ("GET",)) -> Callable[[View], View]:
    """Make a view a page of an organization: `view(request, place, …)`, for people who have the scope `needs` there.

    The path has the organization's slug or id as `organization`.
    """

    def decorate(view: View) -> View:
        @person(methods)
        @wraps(view)
        def page(request: HttpRequest, user: User, organization: str, **path: str) -> HttpResponse:
            return view(request, _enter(user, organization, needs), **path)

        return page

    return decorate


def in_project(needs: str = READ, methods: Collection[str] = ("GET",)) -> Callable[[View], View]:
    """Make a view a page of a project, as in_organization does. The path has the project's slug or id as `project`.

    An earlier slug leads to the present one; a form that was sent there is refused, because a redirect would lose it.
    """

    def decorate(view: View) -> View:
        @person(methods)
        @wraps(view)
        def page(request: HttpRequest, user: User, organization: str, project: str, **path: str) -> HttpResponse:
            place = _enter(user, organization, needs)
            found = find_project(place.organization.pk, project)
            row = found and Project.objects.filter(pk=found.id).select_related("organization").first()
            if found is None or row is None:
                raise Http404
            if found.moved:
                return _to_present_slug(request, place.organization, row)
            return view(request, ProjectPlace(user, place.organization, place.scopes, row), **path)

        return page

    return decorate


def to_login(request: HttpRequest) -> HttpResponseRedirect:
    """Send a stranger to the login page, and from there back to a page that was asked for."""
    back = request.get_full_path() if request.method in ("GET", "HEAD") else "/"
    return redirect_to_login(back, resolve_url("login"))


def _enter(user: User, organization: str, needs: str) -> Place:
    access = find_access(user, organization)
    if access is None:
        raise Http404
    if needs not in access.scopes:
        raise PermissionDenied
    return Place(user, get_organization(access.organization), access.scopes)


def _to_present_slug(request: HttpRequest, organization: Organization, project: Project) -> HttpResponse:
    if request.method not in ("GET", "HEAD"):
        raise Http404
    match = request.resolver_match
    assert match is not None  # noqa: S101 - a view was found
    path = reverse(match.view_name, kwargs={**match.kwargs, "organization": organization.slug, "project": project.slug})
    query = request.META.get("QUERY_STRING", "")
    return HttpResponseRedirect(f"{path}?{query}" if query else path)
