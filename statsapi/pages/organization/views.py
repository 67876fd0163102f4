"""An organization: each of its projects a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from projects.connections import get_store
from projects.selectors import project_names
from statsapi.api.stats.v2_range import StatsRange
from statsapi.http import clock
from statsapi.pages.access import Place, in_organization
from statsapi.pages.organization import words
from statsapi.pages.organization.asked import Asked, Column, parse_asked
from statsapi.pages.organization.numbers import SPANS, NotServed, Overview, read_overview
from statsapi.pages.organization.rows import Cells, make_rows, render_rows, totals
from statsapi.pages.project.names import category_name, in_order
from statsapi.pages.zones import Zone, zone_of
from tsdb.outcomes import Category
from tsdb.units import DAY

TEMPLATE = "pages/organization/overview.html"
WIDE = 1_000_000
"""Numbers from here on need more room than a narrow screen has."""
HEADS = {
    Column.NAME: "Project",
    Column.RECEIVED: "Received",
    Column.CHANGE: "Change",
    Column.ACCEPTED: "Accepted",
    Column.DROPPED: "Dropped",
    Column.LAST: "Last event",
}


@in_organization()
def organization(request: HttpRequest, place: Place) -> HttpResponse:
    """Show the projects of the organization."""
    slug = place.organization.slug
    context: dict[str, object] = {"place": place, "new_project": f"/organization/{slug}/projects/new/"}
    projects = project_names(place.organization.pk)
    if not projects:
        return render(request, TEMPLATE, context)
    store, numbers = get_store(), [project.id for project in projects]
    asked, zone = parse_asked(request.GET, lambda: store.unknown_categories(numbers)), zone_of(request)
    try:
        overview = read_overview(store, numbers, asked.category, asked.span, now_ns=clock.now_ns(request))
    except NotServed:
        return render(request, TEMPLATE, {**context, "not_served": True})
    base = reverse("organization", kwargs={"organization": slug})
    rows = make_rows(projects, overview, asked)
    context |= {
        "asked": asked,
        "rows": render_rows(rows, overview, asked, zone.info, base),
        "number": len(rows),
        "wide": any(max(map(abs, row.amounts)) >= WIDE for row in rows),
        "found": sum(asked.finds(project.name, project.slug) for project in projects),
        "totals": totals(overview),
        "heads": _heads(asked),
        "ranges": _ranges(asked),
        "louder": replace(asked, sort=Column.CHANGE, descending=True).address,
        "is_louder": asked.sort is Column.CHANGE and asked.descending,
        "categories": _categories(overview, asked),
        "api": _api_address(slug, asked, overview.answered),
        **_period(overview.answered, zone),
    }
    return render(request, TEMPLATE, context)


def _heads(asked: Asked) -> list[Cells]:
    """Return the head of each column, with the address that sorts by it."""
    heads: list[Cells] = []
    for column, label in HEADS.items():
        after = asked.sorted_by(column)
        sorting = {True: "descending", False: "ascending"}[asked.descending] if column is asked.sort else ""
        heads.append(
            {
                "column": column.value,
                "label": label,
                "sorting": sorting,
                "url": after.address,
                "sets": f"sort={column.value}&order={after.order}",
                "first": "desc" if column.is_descending else "asc",
            }
        )
    return heads


def _ranges(asked: Asked) -> list[Cells]:
    return [
        {
            "word": word.replace("h", " h").replace("d", " d"),
            "url": replace(asked, range=word).address,
            "sets": f"range={word}",
            "chosen": word == asked.range,
        }
        for word in SPANS
    ]


def _categories(overview: Overview, asked: Asked) -> list[Cells]:
    """Return the categories to choose from: errors, all that were ever counted, and the one that is chosen."""
    return [
        {"value": one, "words": category_name(one), "chosen": one == asked.category}
        for one in in_order((Category.ERROR, asked.category, *overview.categories))
    ]


def _api_address(slug: str, asked: Asked, answered: StatsRange) -> str:
    """Return the address of the API that answers the numbers of the page."""
    # The API takes an interval of a day at most.
    interval = min(answered.interval, DAY)
    query = {
        "field": "sum(quantity)",
        "category": asked.category,
        "groupBy": ["project", "outcome"],
        "start": answered.start,
        "end": answered.end,
        "interval": f"{interval}s",
    }
    return f"{reverse('stats-v2', args=[slug])}?{urlencode(query, doseq=True, safe='()')}"


def _period(answered: StatsRange, zone: Zone) -> Mapping[str, object]:
    """Return what the page says about the range: when it begins and ends, and since when it is complete."""
    # Days of the store are days of UTC, and would begin at odd hours of another zone.
    shown = Zone("UTC", zone.chosen) if answered.interval % DAY == 0 else zone
    since = answered.retained_since
    return {
        "zone": zone,
        "period_zone": shown.name,
        "start": words.moment(answered.start, shown.info),
        "end": words.moment(answered.end, shown.info),
        "unit": words.length(answered.interval),
        "kept_since": words.moment(since, shown.info) if since > answered.start else "",
    }
