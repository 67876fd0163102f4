"""What ends a project: merging its counts into another, and deleting it. Only owners may, and they type its slug."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from projects import services
from statsapi.pages.access import OWN, ProjectPlace, in_project
from statsapi.pages.refusals import refusals_in
from statsapi.pages.settings.forms import MergeForm, TypedSlugForm
from statsapi.pages.settings.posting import posted


@in_project(OWN, ("GET", "POST"))
def merge(request: HttpRequest, place: ProjectPlace) -> HttpResponse:
    """Move all counts of the project into another. The project stays, and counts from zero."""
    form = MergeForm(posted(request), of=place.project)
    if form.is_valid():
        into = form.cleaned_data["into"]
        with refusals_in(form):
            services.merge_projects(source=place.project.pk, destination=into.pk)
            messages.success(
                request,
                f"All counts of “{place.project.slug}” are in “{into.slug}” now. “{place.project.slug}” is still there "
                "with its keys, and counts from zero. If nothing sends to it any more, delete it in its settings.",
            )
            return redirect("project", organization=place.organization.slug, project=into.slug)
    return render(
        request,
        "pages/settings/merge.html",
        {"place": place, "tab": "settings", "section": "merge", "form": form},
    )


@in_project(OWN, ("GET", "POST"))
def delete(request: HttpRequest, place: ProjectPlace) -> HttpResponse:
    """Delete the project with all its counts."""
    form = TypedSlugForm(posted(request), of=place.project)
    if form.is_valid():
        with refusals_in(form):
            services.delete_project(project=place.project)
            messages.success(request, f"“{place.project.slug}” is gone, with all its counts.")
            return redirect("organization", organization=place.organization.slug)
    return render(
        request,
        "pages/settings/delete.html",
        {"place": place, "tab": "settings", "section": "delete", "form": form},
    )
