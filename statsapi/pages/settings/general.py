"""The names of a project, and making one."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from projects import services
from projects.models import Project
from statsapi.api.resources.projects import slug_of
from statsapi.pages.access import WRITE, Place, ProjectPlace, in_organization, in_project
from statsapi.pages.refusals import refusals_in
from statsapi.pages.settings.forms import PLATFORMS, NewProjectForm, ProjectForm
from statsapi.pages.settings.posting import posted


@in_organization(WRITE, ("GET", "POST"))
def new_project(request: HttpRequest, place: Place) -> HttpResponse:
    """Make a project, and lead to its setup."""
    form = NewProjectForm(posted(request))
    if form.is_valid():
        name = form.cleaned_data["name"]
        with refusals_in(form):
            project = services.create_project(
                organization=place.organization,
                slug=form.cleaned_data["slug"] or slug_of(name),
                name=name,
                platform=form.cleaned_data["platform"],
            )
            messages.success(request, f"“{project.name}” is there. Now let your program send to it.")
            return redirect("project-setup", organization=place.organization.slug, project=project.slug)
    return render(request, "pages/settings/new_project.html", {"place": place, "form": form, "platforms": PLATFORMS})


@in_project(WRITE, ("GET", "POST"))
def general(request: HttpRequest, place: ProjectPlace) -> HttpResponse:
    """Change the name, the slug and the platform."""
    before = place.project
    form = ProjectForm(posted(request), initial={"name": before.name, "slug": before.slug, "platform": before.platform})
    if form.is_valid():
        with refusals_in(form):
            with services.changing_project(before.pk) as row:
                old = row.slug
                for field, value in form.changes().items():
                    setattr(row, field, value)
                services.update_project(project=row)
            messages.success(request, _saved(old, row))
            return redirect("project-settings", organization=place.organization.slug, project=row.slug)
    earlier = before.redirects.order_by("slug").values_list("slug", flat=True)
    return render(
        request,
        "pages/settings/general.html",
        {
            "place": place,
            "tab": "settings",
            "section": "general",
            "form": form,
            "platforms": PLATFORMS,
            "earlier": earlier,
        },
    )


def _saved(old: str, row: Project) -> str:
    if old == row.slug:
        return "Saved."
    return f"Saved. “{old}” still leads here, until another project takes that slug. To undo, change it back."
