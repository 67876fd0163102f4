"""GET /api/0/organizations/{organization_slug}/stats_v2/: outcomes by any grouping; Grafana's data source asks it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from projects import selectors
from projects.connections import get_store
from statsapi import clock
from statsapi.api import schema_stats as schema
from statsapi.api.base import ApiView
from statsapi.api.csv_format import iso
from statsapi.api.errors import BadQuery, Missing
from statsapi.api.objects import get_organization
from statsapi.api.permissions import ORGANIZATION_SCOPES
from statsapi.api.stats_v2_query import TOO_MANY, StatsQuery, parse_stats_query
from tsdb.facts import Counted, read_facts

Group = tuple[Any, ...]

MAX_COUNTS = 500_000
"""Groups by intervals in one answer: some 4 MB."""


class StatsV2View(ApiView):
    scope_map = ORGANIZATION_SCOPES

    @extend_schema(**schema.STATS_V2)
    def get(self, request: Request, organization_slug: str) -> Response:
        organization = get_organization(self, request, organization_slug)
        store = get_store()
        query = parse_stats_query(request.query_params, store.rollups, clock.now(request))
        projects = list(asked_projects(organization, query))
        groups: dict[Group, list[int]] = {} if query.group_by else {(): [0] * query.points}
        for counted in read_facts(store, projects, query.wants, query.window, now=query.now):
            if not any(counted.counts):
                continue
            series = groups.setdefault(_group(counted, query), [0] * query.points)
            for place, count in zip(query.places, counted.counts, strict=True):
                series[place] += count
        if len(groups) * query.points > MAX_COUNTS and query.has_series:
            raise BadQuery(TOO_MANY)
        return Response(_answer(groups, query), headers=query.headers)


def asked_projects(organization: int, query: StatsQuery) -> dict[int, str]:
    """Ids and slugs of the projects that the query is about. Raises Missing for one that is not the organization's."""
    slugs = selectors.project_slugs(organization)
    if query.projects - slugs.keys():
        raise Missing
    return {project: slug for project, slug in slugs.items() if not query.projects or project in query.projects}


def _group(counted: Counted, query: StatsQuery) -> Group:
    fact = counted.fact
    values: dict[str, str | int] = {
        "outcome": fact.outcome,
        "category": fact.category,
        "reason": fact.reason,
        "project": counted.project,
        "key_id": fact.key,
    }
    return tuple(values[name] for name in query.group_by)


def _answer(groups: dict[Group, list[int]], query: StatsQuery) -> dict[str, Any]:
    rows = []
    for group in sorted(groups):
        counts = groups[group]
        row: dict[str, Any] = {
            "by": dict(zip(query.group_by, group, strict=True)),
            "totals": dict.fromkeys(query.fields, sum(counts)),
        }
        if query.has_series:
            row["series"] = dict.fromkeys(query.fields, counts)
        rows.append(row)
    answer: dict[str, Any] = {"start": iso(query.start), "end": iso(query.end)}
    if query.has_series:
        answer["intervals"] = [iso(start) for start in range(query.start, query.end, query.interval)]
    return {**answer, "groups": rows}
