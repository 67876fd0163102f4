"""GET /api/0/organizations/{organization_slug}/stats-summary/: outcomes per project, as JSON or CSV."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from projects.connections import get_store
from statsapi import clock
from statsapi.api import schema_stats as schema
from statsapi.api.base import ApiView
from statsapi.api.csv_format import csv_response, iso
from statsapi.api.objects import get_organization
from statsapi.api.permissions import ORGANIZATION_SCOPES
from statsapi.api.stats_v2 import asked_projects
from statsapi.api.stats_v2_query import StatsQuery, parse_stats_query
from tsdb.facts import read_facts
from tsdb.outcomes import Outcome

DROPPED = (Outcome.RATE_LIMITED, Outcome.INVALID, Outcome.CARDINALITY_LIMITED)
OUTCOMES = [outcome.value for outcome in Outcome]

Sums = dict[int, dict[str, dict[str, int]]]
"""project -> category -> outcome -> count"""


class StatsSummaryView(ApiView):
    scope_map = ORGANIZATION_SCOPES

    @extend_schema(**schema.STATS_SUMMARY)
    def get(self, request: Request, organization_slug: str) -> Any:
        organization = get_organization(self, request, organization_slug)
        query = parse_stats_query(request.query_params, get_store().rollups, clock.now(request), summary=True)
        slugs = asked_projects(organization, query)
        sums = _sums(list(slugs), query)
        if request.query_params.get("download") == "1":
            header = ["id", "slug", "category", *OUTCOMES, "dropped", *query.fields]
            return csv_response(header, _table(sums, slugs, query), "stats_summary.csv", query.headers)
        projects = [
            {
                "id": project,
                "slug": slug,
                "stats": [_stat(category, outcomes, query) for category, outcomes in sorted(sums[project].items())],
            }
            for project, slug in slugs.items()
        ]
        answer = {"start": iso(query.start), "end": iso(query.end), "projects": projects}
        return Response(answer, headers=query.headers)


def _sums(projects: list[int], query: StatsQuery) -> Sums:
    sums: Sums = {project: {} for project in projects}
    for counted in read_facts(get_store(), projects, query.wants, query.window, now=query.now):
        if total := sum(counted.counts):
            of_category = sums[counted.project].setdefault(counted.fact.category, dict.fromkeys(OUTCOMES, 0))
            of_category[counted.fact.outcome] += total
    return sums


def _stat(category: str, outcomes: dict[str, int], query: StatsQuery) -> dict[str, Any]:
    dropped, total = _totals(outcomes)
    return {
        "category": category,
        "outcomes": outcomes,
        "totals": {"dropped": dropped, **dict.fromkeys(query.fields, total)},
    }


def _totals(outcomes: dict[str, int]) -> tuple[int, int]:
    return sum(outcomes[outcome] for outcome in DROPPED), sum(outcomes.values())


def _table(sums: Sums, slugs: dict[int, str], query: StatsQuery) -> Iterator[list[str | int]]:
    for project, slug in slugs.items():
        for category in sorted(sums[project]):
            outcomes = sums[project][category]
            dropped, total = _totals(outcomes)
            counts = [outcomes[outcome] for outcome in OUTCOMES]
            yield [project, slug, category, *counts, dropped, *[total] * len(query.fields)]
