"""An organization: each of its projects a row."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from projects.selectors import projects_of
from statsapi.pages.access import Place, in_organization


@in_organization()
def organization(request: HttpRequest, place: Place) -> HttpResponse:
    """Show the projects of the organization."""
    projects = projects_of(place.organization.pk)
    return render(request, "pages/organization/overview.html", {"place": place, "projects": projects})
