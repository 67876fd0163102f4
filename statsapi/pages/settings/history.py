"""The history of an organization, which its owners read: who changed what, and when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render

from projects.models import Change, Organization, ProjectRedirect
from projects.selectors import LARGEST_ID
from projects.services.history import MOST_CHANGES
from statsapi.pages.access import OWN, Place, in_organization

PAGE = 100
"""Lines of a page."""


class Lines(NamedTuple):
    """The lines of a page, newest first, and the queries that lead to newer and older ones. Empty: there are none."""

    lines: Sequence[Change]
    newer: str
    older: str


@in_organization(OWN)
def history(request: HttpRequest, place: Place) -> HttpResponse:
    """Show the changes of the organization, or of one of its projects."""
    project = request.GET.get("project", "")
    changes = Change.objects.filter(organization=place.organization)
    slugs = changes.exclude(project="").order_by("project").values_list("project", flat=True).distinct()
    context = {
        "place": place,
        "page": page_of(_about(changes, place.organization, project), request.GET),
        "project": project,
        "slugs": list(slugs),
        "most": f"{MOST_CHANGES:,}",
    }
    return render(request, "pages/settings/history.html", context)


def page_of(changes: QuerySet[Change], asked: QueryDict) -> Lines:
    """Return the page before or after the line that `asked` names, or the first one. A value that is no id is ignored.

    Lines are found by their ids, so a page stays the same while new lines are written.
    """
    before, after = (_id(asked.get(name, "")) for name in ("before", "after"))
    if after is not None and before is None:
        found = list(changes.filter(id__gt=after).order_by("id")[: PAGE + 1])
        lines, has_newer, has_older = (
            found[PAGE - 1 :: -1] if len(found) > PAGE else found[::-1],
            len(found) > PAGE,
            True,
        )
    else:
        rows = changes if before is None else changes.filter(id__lt=before)
        found = list(rows.order_by("-id")[: PAGE + 1])
        lines, has_newer, has_older = found[:PAGE], before is not None, len(found) > PAGE
    if not lines:
        return Lines([], "", "")
    return Lines(
        lines,
        _query(asked, after=lines[0].pk) if has_newer else "",
        _query(asked, before=lines[-1].pk) if has_older else "",
    )


def _about(changes: QuerySet[Change], organization: Organization, project: str) -> QuerySet[Change]:
    """Return the changes of the project with this slug, those under its earlier slugs too; of all if it is empty."""
    if not project:
        return changes
    if "\0" in project:  # PostgreSQL takes no NUL
        return changes.none()
    earlier = ProjectRedirect.objects.filter(organization=organization, project__slug=project)
    return changes.filter(project__in=[project, *earlier.values_list("slug", flat=True)])


def _id(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= LARGEST_ID else None


def _query(asked: QueryDict, **place: int) -> str:
    kept = {name: asked[name] for name in ("project", "timezone") if asked.get(name)}
    return f"?{urlencode({**kept, **place})}"
