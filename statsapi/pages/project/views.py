"""A project: its chart, what was dropped and why, and the same numbers as a table."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from statsapi.pages.access import ProjectPlace, in_project


@in_project()
def project(request: HttpRequest, place: ProjectPlace) -> HttpResponse:
    """Show the counts of the project."""
    return render(request, "pages/project/chart.html", {"place": place, "tab": "project"})
