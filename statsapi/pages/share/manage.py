"""Making, listing and revoking public links: of a project for its members, of a whole organization for its owners.

A link's secret is shown on one page only: the answer to the request that created it. No message, cookie or session
carries it there, so it needs to be removed from none of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from projects import services
from projects.models import PublicLink
from projects.selectors import is_reference
from statsapi.http import clock
from statsapi.pages.access import OWN, READ, WRITE, Place, ProjectPlace, in_organization, in_project
from statsapi.pages.refusals import refusals_in
from statsapi.pages.share.forms import LinkForm
from statsapi.pages.share.snippets import snippets
from statsapi.pages.zones import zone_of

LINKS_A_PAGE = 100


class Row(NamedTuple):
    """A link of a list. `state` is `in force`, `ended` or `revoked`."""

    link: PublicLink
    state: str


@in_project(READ, methods=("GET", "POST"))
def project_links(request: HttpRequest, place: ProjectPlace) -> HttpResponse:
    """List the links of a project, and make one."""
    if request.method == "POST" and not place.may_write:
        raise PermissionDenied
    form = LinkForm(request.POST if request.method == "POST" else None, zone=zone_of(request))
    made = _make(place, form) if form.is_valid() else None
    if made is not None:
        shown = snippets(made.secret, place.project.name, framed=bool(made.link.origins))
        context = {"place": place, "tab": "links", "made": made.link, "snippets": shown}
        return render(request, "pages/share/made.html", context)
    rows = _rows(place.project.public_links.all(), clock.now(request))
    return render(request, "pages/share/links.html", {"place": place, "tab": "links", "form": form, "rows": rows})


@in_project(WRITE, methods=("POST",))
def revoke_project_link(request: HttpRequest, place: ProjectPlace, link: str) -> HttpResponse:
    """Revoke a link of the project."""
    _revoke(request, place.project.public_links.all(), link)
    return redirect("project-links", organization=place.organization.slug, project=place.project.slug)


@in_organization(OWN)
def organization_links(request: HttpRequest, place: Place) -> HttpResponse:
    """List the links of all projects of the organization."""
    links = _links_of(place).select_related("project")
    page = Paginator(links, LINKS_A_PAGE).get_page(request.GET.get("page"))
    context = {"place": place, "page": page, "rows": _rows(page, clock.now(request))}
    return render(request, "pages/share/organization.html", context)


@in_organization(OWN, methods=("POST",))
def revoke_organization_link(request: HttpRequest, place: Place, link: str) -> HttpResponse:
    """Revoke a link of one of the organization's projects."""
    _revoke(request, _links_of(place), link)
    return redirect("organization-links", organization=place.organization.slug)


def _make(place: ProjectPlace, form: LinkForm) -> services.NewLink | None:
    """Create the link that the form describes. Return None if it is refused; then the form says why."""
    given = form.cleaned_data
    with refusals_in(form):
        return services.create_link(
            project=place.project, name=given["name"], expires=given["last_day"], origins=given["origins"]
        )
    return None


def _revoke(request: HttpRequest, links: QuerySet[PublicLink], reference: str) -> None:
    if not (is_reference(reference) and reference.isdigit()):
        raise Http404
    link = links.filter(pk=int(reference)).first()
    if link is None:
        raise Http404
    services.revoke_link(link)
    messages.success(request, f"The link {link} is revoked. Its address leads nowhere now.")


def _links_of(place: Place) -> QuerySet[PublicLink]:
    return PublicLink.objects.filter(project__organization=place.organization)


def _rows(links: Iterable[PublicLink], now: int) -> list[Row]:
    moment = datetime.fromtimestamp(now, UTC)
    return [Row(link, _state(link, moment)) for link in links]


def _state(link: PublicLink, now: datetime) -> str:
    if link.revoked:
        return "revoked"
    return "ended" if link.expires and link.expires <= now else "in force"
