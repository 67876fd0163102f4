"""The names of an organization, and deleting it. Only owners may."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from projects import services
from projects.models import Organization
from statsapi.pages.access import OWN, Place, in_organization
from statsapi.pages.refusals import refusals_in
from statsapi.pages.settings.forms import OrganizationForm, TypedSlugForm
from statsapi.pages.settings.posting import posted


@in_organization(OWN, ("GET", "POST"))
def organization(request: HttpRequest, place: Place) -> HttpResponse:
    """Change the name and the slug."""
    before = place.organization
    form = OrganizationForm(posted(request), initial={"name": before.name, "slug": before.slug})
    if form.is_valid():
        with refusals_in(form):
            with transaction.atomic():
                row = Organization.objects.select_for_update().get(pk=before.pk)
                old = row.slug
                for field, value in form.changes().items():
                    setattr(row, field, value)
                services.update_organization(organization=row)
            messages.success(request, _saved(old, row))
            return redirect("organization-settings", organization=row.slug)
    return render(request, "pages/settings/organization.html", {"place": place, "form": form})


@in_organization(OWN, ("GET", "POST"))
def delete(request: HttpRequest, place: Place) -> HttpResponse:
    """Delete the organization with all its projects and counts."""
    form = TypedSlugForm(posted(request), of=place.organization)
    if form.is_valid():
        with refusals_in(form):
            services.delete_organization(organization=place.organization)
            messages.success(request, f"“{place.organization.slug}” is gone, with all its projects and counts.")
            return redirect("home")
    projects = place.organization.projects.count()
    return render(
        request, "pages/settings/organization_delete.html", {"place": place, "form": form, "projects": projects}
    )


def _saved(old: str, row: Organization) -> str:
    if old == row.slug:
        return "Saved."
    return f"Saved. Addresses and API paths have “{row.slug}” now instead of “{old}”. To undo, change it back."
