"""The inbound filters of a project: what each one catches, how many it caught, and switching them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from projects import selectors, services
from projects.lines import lines_of
from projects.models import LONGEST_LIST, ProjectFilters
from statsapi.http import clock
from statsapi.pages.access import WRITE, ProjectPlace, in_project
from statsapi.pages.refusals import refusals_as_messages, refusals_in
from statsapi.pages.settings import recent
from statsapi.pages.settings.forms import ChangeForm
from statsapi.pages.settings.posting import posted
from tsdb.outcomes import Outcome

UNDO = "filters before"
"""The session has under this name what the latest change of filters replaced, and by what."""


class Filter(NamedTuple):
    """A filter. `field` is its name in the form and in ProjectFilters, `example` an event that it catches."""

    name: str
    field: str
    title: str
    catches: str
    example: str


FILTERS = (
    Filter(
        "web-crawlers",
        "web_crawlers",
        "Web crawlers",
        "Events of pages that a known crawler visited.",
        "User-Agent: Googlebot/2.1 (+http://www.google.com/bot.html)",
    ),
    Filter(
        "legacy-browsers",
        "legacy_browsers",
        "Legacy browsers",
        "Events of browsers that are out of support, such as Internet Explorer, or Chrome up to 110.",
        "User-Agent: Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko",
    ),
    Filter(
        "browser-extensions",
        "browser_extensions",
        "Browser extensions",
        "Errors that an extension or the browser itself raised.",
        "chrome-extension://nmmhkkegccagdldgiimedpic/inject.js",
    ),
    Filter(
        "localhost",
        "localhost",
        "Localhost",
        "Events from a loopback address, or of a local page.",
        "http://localhost:3000/checkout",
    ),
    Filter(
        "invalid-csp",
        "invalid_csp",
        "Invalid CSP reports",
        "Security reports that extensions and local pages caused.",
        "blocked-uri: chrome-extension://…",
    ),
    Filter(
        "ip-address",
        "ip_addresses",
        "IP addresses",
        "Everything from these addresses and networks, one a line.",
        "192.0.2.7 or 10.0.0.0/8",
    ),
    Filter(
        "release-version",
        "release_versions",
        "Releases",
        "Events of releases that match one of these globs, one a line.",
        "shop@1.2.* matches shop@1.2.7",
    ),
    Filter(
        "error-message",
        "error_messages",
        "Error messages",
        "Errors whose message, or “type: value”, matches one of these globs, one a line.",
        "*TimeoutError* matches TimeoutError: no answer",
    ),
)


class ListField(forms.CharField):
    """Lines of text. Blanks around a line and empty lines are left out."""

    def __init__(self) -> None:
        attributes = {"rows": 4, "spellcheck": "false", "autocapitalize": "none"}
        super().__init__(required=False, max_length=LONGEST_LIST, widget=forms.Textarea(attrs=attributes))

    def to_python(self, value: Any) -> str:
        """Return the lines, each but the last with a line feed."""
        return "\n".join(lines_of(str(super().to_python(value))))


class FiltersForm(ChangeForm):
    """The filters that are on, and their lists."""

    web_crawlers = forms.BooleanField(required=False)
    legacy_browsers = forms.BooleanField(required=False)
    browser_extensions = forms.BooleanField(required=False)
    localhost = forms.BooleanField(required=False)
    invalid_csp = forms.BooleanField(required=False)
    ip_addresses = ListField()
    release_versions = ListField()
    error_messages = ListField()

    def __init__(self, *args: Any, row: ProjectFilters, **options: Any) -> None:
        super().__init__(*args, initial={one.field: getattr(row, one.field) for one in FILTERS}, **options)
        for one in FILTERS:
            self.fields[one.field].label = one.title
            self.fields[one.field].help_text = one.catches
        if row.legacy_browser_subfilters:
            chosen = ", ".join(row.legacy_browser_subfilters.split())
            more = f" Only those that were chosen through the API: {chosen}. The API can switch all of them on again."
            self.fields["legacy_browsers"].help_text += more


class FilterRow(NamedTuple):
    """A filter with its field, how many errors it caught within 7 days, and an event that it would catch, or ""."""

    filter: Filter
    field: forms.BoundField
    caught: str
    example: str


@in_project(WRITE, ("GET", "POST"))
def filters(request: HttpRequest, place: ProjectPlace) -> HttpResponse:
    """Show the filters, and switch them."""
    row = _row(place)
    form = FiltersForm(posted(request), row=row)
    if form.is_valid():
        with refusals_in(form):
            before, after = _save(place, form.changes())
            if before:
                request.session[UNDO] = [place.project.pk, before, after]
            messages.success(request, _saved(before))
            return _to_filters(place)
    caught = recent.errors_by(place.project.pk, "outcome", "reason", period=recent.WEEK, now=clock.now_ns(request))
    by_reason = Counter({reason: count for (outcome, reason), count in caught.items() if outcome == Outcome.FILTERED})
    names = {one.name for one in FILTERS}
    return render(
        request,
        "pages/settings/filters.html",
        {
            "place": place,
            "tab": "settings",
            "section": "filters",
            "form": form,
            "rows": [
                FilterRow(one, form[one.field], f"{by_reason[one.name]:,}", _example(one, row)) for one in FILTERS
            ],
            "elsewhere": sorted(
                (reason, f"{count:,}") for reason, count in by_reason.items() if count and reason not in names
            ),
            "undoable": bool(_to_undo(request, place)[0]),
        },
    )


@in_project(WRITE, ("POST",))
def undo(request: HttpRequest, place: ProjectPlace) -> HttpResponse:
    """Bring back what the latest change of this person replaced. What somebody changed after them stays."""
    before, after = _to_undo(request, place)
    if before:
        with refusals_as_messages(request):
            replaced, _ = _save(place, before, over=after)
            del request.session[UNDO]
            stayed = [one.title for one in FILTERS if one.field in before and one.field not in replaced]
            if replaced:
                messages.success(request, "Undone. What you changed last is as it was before.")
            if stayed:
                messages.warning(request, f"Not undone, because it was changed again after you: {', '.join(stayed)}.")
    return _to_filters(place)


def _example(one: Filter, row: ProjectFilters) -> str:
    """Return the filter's example. Browsers that were chosen may not be that of the example, so they have none."""
    return "" if one.field == "legacy_browsers" and row.legacy_browser_subfilters else one.example


def _row(place: ProjectPlace) -> ProjectFilters:
    return selectors.filters_of(place.project.pk)


def _save(
    place: ProjectPlace, changes: Mapping[str, Any], *, over: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Save the changes, and return the values before and after. Raises as services.save_intake does.

    With `over`, only the fields are changed that still have these values.
    """
    with services.changing_project(place.project.pk):
        row = _row(place)
        before = {field: getattr(row, field) for field in changes}
        if over is not None:
            before = {field: value for field, value in before.items() if value == over.get(field)}
        for field in before:
            setattr(row, field, changes[field])
        if before:
            services.save_intake(place.project, row)
    return before, {field: getattr(row, field) for field in before}


def _saved(before: Mapping[str, Any]) -> str:
    titles = [one.title for one in FILTERS if one.field in before]
    if not titles:
        return "Nothing was changed."
    return f"Saved: {', '.join(titles)}. The next event obeys. To undo, use the button “Undo my latest change”."


def _to_undo(request: HttpRequest, place: ProjectPlace) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the latest change replaced, and by what. Both are empty if there is nothing to undo here."""
    project, before, after = request.session.get(UNDO) or (None, {}, {})
    return (before, after) if project == place.project.pk else ({}, {})


def _to_filters(place: ProjectPlace) -> HttpResponse:
    return redirect("project-filters", organization=place.organization.slug, project=place.project.slug)
