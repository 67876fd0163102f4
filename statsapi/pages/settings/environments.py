"""The environments of a project, which events make by naming them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from projects import services
from projects.selectors import load_environments
from statsapi.http import clock
from statsapi.pages.access import WRITE, ProjectPlace, in_project
from statsapi.pages.settings.recent import received_by_environment


@in_project(WRITE)
def environments(request: HttpRequest, place: ProjectPlace) -> HttpResponse:
    """List the environments with what each received within 7 days."""
    known = load_environments(place.project.pk)
    counts = received_by_environment(place.project.pk, known, now=clock.now_ns(request))
    return render(
        request,
        "pages/settings/environments.html",
        {
            "place": place,
            "tab": "settings",
            "section": "environments",
            "rows": [(name, f"{counts[name]:,}") for name in sorted(known)],
            "most": services.MOST_ENVIRONMENTS,
            "other": services.OTHER_ENVIRONMENT,
        },
    )
