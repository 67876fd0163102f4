"""A project: its chart, what was dropped and why, and the same numbers as a table."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.gzip import gzip_page

from projects.connections import get_store
from projects.models import ProjectKey
from projects.selectors import find_project, load_environments
from projects.services import settled
from statsapi.api.stats.csv_format import csv_response
from statsapi.http import clock
from statsapi.pages.access import ProjectPlace, in_project
from statsapi.pages.project import table
from statsapi.pages.project.budgets import budget_lines
from statsapi.pages.project.controls import controls
from statsapi.pages.project.curl import curl
from statsapi.pages.project.dropped import dropped
from statsapi.pages.project.facts import totals_by_environment
from statsapi.pages.project.numbers import Numbers, read_numbers, totals
from statsapi.pages.project.query import read_query
from statsapi.pages.zones import zone_of
from tsdb.arrivals import Quota
from tsdb.outcomes import Outcome
from tsdb.quotas import read_uses
from tsdb.units import NS


@gzip_page  # the table is long; Django masks the CSRF token anew in each answer, so its length tells nothing
@in_project()
def project(request: HttpRequest, place: ProjectPlace) -> HttpResponse:
    """Show the counts of the project, or send them as CSV. A file could not say what is not as it was asked for."""
    store, number, now = get_store(), place.project.pk, clock.now_ns(request)
    environments = load_environments(number)
    query = read_query(
        request.GET.dict(),
        zone_of(request),
        environments,
        store.rollups,
        now,
        lambda: store.unknown_categories([number]),
    )

    def read() -> tuple[Numbers, dict[str, dict[Outcome, int]]]:
        # After an interrupted deletion was finished, the project is gone.
        if find_project(place.organization.pk, place.project.slug) is None:
            raise Http404
        numbers = read_numbers(store, number, query, environments, now=now)
        return numbers, totals_by_environment(store, number, environments, numbers.shown)

    numbers, by_environment = settled(read)
    if request.GET.get("format") == "csv" and not numbers.query.problems:
        # In a header a category that a client made up could stand for more than itself.
        name = f"{place.project.slug}-{quote(numbers.query.category, safe='')}.csv"
        return csv_response(table.csv_header(numbers), table.csv_rows(numbers), name)
    keys = {key.pk: key for key in ProjectKey.objects.filter(project=number)}
    uses = read_uses(store, number, _quotas(keys.values()), now=now // NS)
    budgets = budget_lines(number, zone_of(request), now=now // NS)
    context = {
        "place": place,
        "tab": "project",
        "query": numbers.query,
        "notes": numbers.chosen.notes,
        "counts": numbers.data,
        "controls": controls(request, numbers, store.rollups, sorted(environments)),
        "totals": totals(numbers),
        "budgets": budgets,
        "dropped": dropped(numbers, keys, uses, budgets, by_environment),
        "columns": table.columns(numbers),
        "has_before": numbers.before is not None,
        "rows": table.rows(numbers),
        "curl": curl(place, numbers),
    }
    return render(request, "pages/project/chart.html", context)


def _quotas(keys: Iterable[ProjectKey]) -> list[Quota]:
    return [
        Quota(key.pk, key.rate_limit_count, key.rate_limit_window)
        for key in keys
        if key.rate_limit_count is not None and key.rate_limit_window
    ]
