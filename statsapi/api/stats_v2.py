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
from statsapi.api.errors import Missing
from statsapi.api.objects import get_organization
from statsapi.api.permissions import ORGANIZATION_SCOPES
from statsapi.api.stats_v2_query import StatsQuery, parse_stats_query
from tsdb.facts import Counted, read_facts

Group = tuple[str | int, ...]


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
            series = groups.setdefault(_group(counted, query), [0] * query.points)
            add_into(series, counted, query)
        return Response(_answer(groups, query))


def asked_projects(organization: int, query: StatsQuery) -> dict[int, str]:
    """Ids and slugs of the projects that the query is about. Raises Missing for one that is not the organization's."""
    slugs = selectors.project_slugs(organization)
    if query.projects - slugs.keys():
        raise Missing
    return {project: slug for project, slug in slugs.items() if not query.projects or project in query.projects}


def add_into(series: list[int], counted: Counted, query: StatsQuery) -> None:
    """Adds a fact's buckets up into the query's intervals."""
    for start, count in zip(query.window.timestamps(), counted.counts, strict=True):
        if count and query.start <= start:
            series[query.place(start)] += count


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
    # Grouped by project the answer could have as many series as there are projects, so it has totals alone.
    with_series = "project" not in query.group_by
    rows = []
    for group in sorted(groups, key=lambda group: tuple(map(str, group))):
        counts = groups[group]
        total = sum(counts)
        if query.group_by and not total:
            continue
        row: dict[str, Any] = {
            "by": dict(zip(query.group_by, group, strict=True)),
            "totals": dict.fromkeys(query.fields, total),
        }
        if with_series:
            row["series"] = dict.fromkeys(query.fields, counts)
        rows.append(row)
    answer: dict[str, Any] = {"start": iso(query.start), "end": iso(query.end)}
    if with_series:
        answer["intervals"] = [iso(start) for start in range(query.start, query.end, query.interval)]
    return {**answer, "groups": rows}
