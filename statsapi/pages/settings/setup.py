"""Setup: the DSNs of a project, what to paste, and whether events arrive."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from projects.connections import get_store
from projects.dsn import dsn
from projects.models import ProjectKey
from statsapi.http import clock
from statsapi.pages.access import ProjectPlace, in_project
from statsapi.pages.settings import recent, snippets
from tsdb.outcomes import Outcome

_WORDS = {
    Outcome.ACCEPTED: "accepted",
    Outcome.FILTERED: "filtered",
    Outcome.RATE_LIMITED: "rate limited",
    Outcome.CLIENT_DISCARD: "held back by the SDK",
    Outcome.INVALID: "invalid",
    Outcome.ABUSE: "refused as abuse",
    Outcome.CARDINALITY_LIMITED: "refused for their cardinality",
}


class Arrival(NamedTuple):
    """Whether events arrive: `waiting`, `accepted`, `dropped`, or `quiet` if only older ones did.

    `counts` are the errors of the last 24 hours: how many, and in words what became of them.
    """

    state: str
    counts: list[tuple[str, str]]


class NamedDsn(NamedTuple):
    """The DSN of an active key. `id` is its id in the page."""

    id: str
    label: str
    public: str
    text: str


@in_project()
def setup(request: HttpRequest, place: ProjectPlace) -> HttpResponse:
    """Show how to send to the project, and whether something arrived. Nobody sees a secret here."""
    project = place.project
    dsns = _dsns(project.keys.filter(active=True).order_by("id"))
    chosen = next((one for one in dsns if one.public == request.GET.get("key")), dsns[0] if dsns else None)
    sending = snippets.sending(chosen.text, chosen.public, project.pk) if chosen else []
    opened = snippets.snippet_of(project.platform)
    return render(
        request,
        "pages/settings/setup.html",
        {
            "place": place,
            "tab": "setup",
            "dsns": dsns,
            "chosen": chosen,
            "sending": sending,
            "reading": snippets.reading(place.organization.slug),
            "opened": opened if any(one.name == opened for one in sending) else "python",
            "arrival": _arrival(project.pk, now=clock.now_ns(request)),
        },
    )


def _dsns(keys: Iterable[ProjectKey]) -> list[NamedDsn]:
    return [NamedDsn(f"dsn-{key.pk}", key.label, key.public, dsn(key.public, key.project_id)) for key in keys]


def _arrival(project: int, *, now: int) -> Arrival:
    """Return whether events arrive; `now` is in nanoseconds. Two reads of the store."""
    found = recent.errors_by(project, "outcome", period=recent.DAY, now=now)
    counts = [(f"{found[(outcome,)]:,}", words) for outcome, words in _WORDS.items() if found[(outcome,)]]
    if found[(Outcome.ACCEPTED,)]:
        return Arrival("accepted", counts)
    if counts:
        return Arrival("dropped", counts)
    ever = get_store().running_totals([project])[project].outcomes
    return Arrival("quiet" if any(ever.values()) else "waiting", [])
