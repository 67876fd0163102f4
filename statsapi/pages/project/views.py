"""A project: its chart, what was dropped and why, and the same numbers as a table."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from projects.connections import get_store
from projects.selectors import environments_of
from projects.services import settled
from statsapi.api.stats.csv_format import csv_response
from statsapi.http import clock
from statsapi.pages.access import ProjectPlace, in_project
from statsapi.pages.project import table
from statsapi.pages.project.controls import controls
from statsapi.pages.project.numbers import Numbers, read_numbers, totals
from statsapi.pages.project.query import read_query
from statsapi.pages.zones import zone_of


@in_project()
def project(request: HttpRequest, place: ProjectPlace) -> HttpResponse:
    """Show the counts of the project, or send them as CSV."""
    store, now = get_store(), clock.now_ns(request)
    environments = environments_of(place.project.pk)
    query = read_query(request.GET.dict(), zone_of(request), environments, store.rollups, now)
    numbers = settled(lambda: read_numbers(store, place.project.pk, query, now=now))
    if request.GET.get("format") == "csv":
        name = f"{place.project.slug}-{numbers.query.category}.csv"
        return csv_response(table.csv_header(numbers), table.csv_rows(numbers), name)
    return render(request, "pages/project/chart.html", _context(place, numbers, sorted(environments)))


def _context(place: ProjectPlace, numbers: Numbers, environments: list[str]) -> dict[str, Any]:
    return {
        "place": place,
        "tab": "project",
        "query": numbers.query,
        "notes": numbers.chosen.notes,
        "counts": numbers.data,
        "controls": controls(numbers, get_store().rollups, environments),
        "totals": totals(numbers),
        "columns": table.columns(numbers),
        "rows": table.rows(numbers),
    }
