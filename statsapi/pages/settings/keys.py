"""The keys of a project: making, renaming, disabling, and their quotas with their use now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from projects import services
from projects.connections import get_store
from projects.dsn import dsn
from projects.models import ProjectKey
from statsapi.http import clock
from statsapi.pages.access import OWN, WRITE, ProjectPlace, in_project
from statsapi.pages.refusals import refusals_as_messages, refusals_in
from statsapi.pages.settings import recent
from statsapi.pages.settings.key_forms import KeyForm, NewKeyForm
from statsapi.pages.settings.posting import posted
from statsapi.pages.settings.quota_words import quota_text, use_text
from statsapi.pages.zones import Zone, moment_text, zone_of
from tsdb.arrivals import Quota
from tsdb.outcomes import Outcome
from tsdb.quotas import QuotaUse, read_uses


@dataclass(frozen=True)
class KeyRow:
    """A key as the pages show it. `use` is None for a key without a quota.

    `accepted` and `refused` are of 7 days. Times are in the reader's zone.
    """

    key: ProjectKey
    dsn: str
    quota: str
    use: QuotaUse | None
    until: str
    accepted: str
    refused: str
    made: str

    @property
    def used(self) -> str:
        """The use of the quota: `73 of 100`."""
        return use_text(self.use) if self.use else ""


@in_project(WRITE, ("GET", "POST"))
def keys(request: HttpRequest, place: ProjectPlace) -> HttpResponse:
    """List the keys, and make one."""
    form = NewKeyForm(posted(request))
    if form.is_valid():
        with refusals_in(form):
            key = services.create_key(project=place.project, label=form.cleaned_data["label"])
            messages.success(request, f"The key “{key.label}” is there. Its DSN is in the list.")
            return _to_keys(place)
    rows = key_rows(request, list(place.project.keys.order_by("id")))
    return render(request, "pages/settings/keys.html", {**_common(request, place), "rows": rows, "form": form})


@in_project(WRITE, ("GET", "POST"))
def key(request: HttpRequest, place: ProjectPlace, public: str) -> HttpResponse:
    """Show a key, and change its label and its quota."""
    found = find_key(place, public)
    form = KeyForm(posted(request), key=found)
    if form.is_valid():
        with refusals_in(form):
            with services.changing_project(place.project.pk):
                row = find_key(place, public)  # again, because it may have been changed or deleted meanwhile
                before = _quota_of(row)
                form.apply(row)
                services.save_intake(place.project, row)
            messages.success(request, _saved(before, _quota_of(row)))
            return _to_key(place, public)
    row_of_key = key_rows(request, [found])[0]
    return render(request, "pages/settings/key.html", {**_common(request, place), "row": row_of_key, "form": form})


@in_project(WRITE, ("POST",))
def switch(request: HttpRequest, place: ProjectPlace, public: str) -> HttpResponse:
    """Disable or enable a key: `active` is 1 or 0. Each is undone by the other."""
    active = request.POST.get("active") == "1"
    with refusals_as_messages(request):
        with services.changing_project(place.project.pk):
            row = find_key(place, public)
            row.active = active
            services.save_intake(place.project, row)
        messages.success(request, _switched(row))
    return _to_keys(place)


@in_project(OWN, ("POST",))
def delete(request: HttpRequest, place: ProjectPlace, public: str) -> HttpResponse:
    """Delete a key that is disabled. What it counted stays."""
    row = find_key(place, public)
    if row.active:
        messages.error(request, f"“{row.label}” is in use. Disable it first, and delete it when nothing misses it.")
        return _to_key(place, public)
    with refusals_as_messages(request):
        services.delete_keys([row])
        messages.success(request, f"The key “{row.label}” is gone. What it counted stays.")
    return _to_keys(place)


def key_rows(request: HttpRequest, found: Sequence[ProjectKey]) -> list[KeyRow]:
    """Return the rows of some keys of one project, with their use now. Two reads of the store."""
    if not found:
        return []
    project, now, zone = found[0].project_id, clock.now(request), zone_of(request)
    quotas = [quota for quota in map(_quota_of, found) if quota]
    uses = read_uses(get_store(), project, quotas, now=now)
    counts = recent.errors_by(project, "key_id", "outcome", period=recent.WEEK, now=clock.now_ns(request))
    return [
        KeyRow(
            key=one,
            dsn=dsn(one.public, project),
            quota=quota_text(one.rate_limit_count, one.rate_limit_window),
            use=uses.get(one.pk),
            until=_until(uses.get(one.pk), zone, now),
            accepted=f"{counts[one.pk, Outcome.ACCEPTED]:,}",
            refused=f"{counts[one.pk, Outcome.RATE_LIMITED]:,}",
            made=f"{one.created.astimezone(zone.info):%d %b %Y}".lstrip("0"),
        )
        for one in found
    ]


def find_key(place: ProjectPlace, public: str) -> ProjectKey:
    """Return the project's key with this public half. Raises Http404."""
    row = ProjectKey.objects.filter(project=place.project, public=public).first() if "\0" not in public else None
    if row is None:
        raise Http404
    return row


def _quota_of(key: ProjectKey) -> Quota | None:
    if key.rate_limit_count is None or key.rate_limit_window is None:
        return None
    return Quota(key.pk, key.rate_limit_count, key.rate_limit_window)


def _until(use: QuotaUse | None, zone: Zone, now: int) -> str:
    return moment_text(use.until, zone, now=now) if use else ""


def _saved(before: Quota | None, after: Quota | None) -> str:
    if before == after:
        return "Saved."
    return f"Saved. The next event obeys it: {_words(after)}. Before: {_words(before)}."


def _words(quota: Quota | None) -> str:
    return quota_text(quota.limit, quota.window) if quota else quota_text(None, None)


def _switched(row: ProjectKey) -> str:
    if row.active:
        return f"“{row.label}” is enabled. Its events are counted from now on. To undo, disable it."
    return f"“{row.label}” is disabled. Its events are refused from now on. To undo, enable it."


def _to_keys(place: ProjectPlace) -> HttpResponse:
    return redirect("project-keys", organization=place.organization.slug, project=place.project.slug)


def _to_key(place: ProjectPlace, public: str) -> HttpResponse:
    return redirect("project-key", organization=place.organization.slug, project=place.project.slug, public=public)


def _common(request: HttpRequest, place: ProjectPlace) -> dict[str, object]:
    return {"place": place, "tab": "settings", "section": "keys", "zone_name": zone_of(request).name}
