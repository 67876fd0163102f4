"""GET /api/0/organizations/{organization_slug}/stats/: the stats of all its projects, together or each."""

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
from statsapi.api.csv_format import csv_response, iso, wants_csv
from statsapi.api.errors import BadQuery
from statsapi.api.objects import get_organization
from statsapi.api.permissions import ORGANIZATION_SCOPES
from statsapi.api.query import parse_stat, parse_time_range
from statsapi.api.stat_parts import parts_of

GROUPS = ("organization", "project")


class OrganizationStatsView(ApiView):
    scope_map = ORGANIZATION_SCOPES

    @extend_schema(**schema.ORGANIZATION_STATS)
    def get(self, request: Request, organization_slug: str) -> Any:
        organization = get_organization(self, request, organization_slug)
        parameters = request.query_params.dict()
        as_csv = wants_csv(request)
        group = parameters.get("group") or "organization"
        if group not in GROUPS:
            raise BadQuery(f"Invalid group: {group}")
        stat = parse_stat(parameters)
        store = get_store()
        asked = parse_time_range(parameters, store.rollups, clock.now_ns(request))
        slugs = selectors.project_slugs(organization)
        if group == "project":
            slugs = _restricted(slugs, request.query_params.getlist("projectID"))
        ranges = store.get_range(parts_of(store, list(slugs), stat), asked.window, now=asked.now)
        starts = asked.window.timestamps()
        if group == "organization":
            counts = _added(list(ranges.values()), asked.window.points)
            if as_csv:
                rows = zip(map(iso, starts), counts, strict=True)
                return csv_response(["timestamp", "count"], rows, f"{organization_slug}-{stat}.csv", asked.headers)
            return Response(_pairs(starts, counts), headers=asked.headers)
        by_project: dict[int, list[tuple[int, ...]]] = {project: [] for project in slugs}
        for series, counts_of_series in ranges.items():
            by_project[series.project].append(counts_of_series)
        added = {project: _added(parts, asked.window.points) for project, parts in by_project.items()}
        if as_csv:
            table = (
                (slugs[project], iso(start), count)
                for project, counts in added.items()
                for start, count in zip(starts, counts, strict=True)
            )
            header = ["project", "timestamp", "count"]
            return csv_response(header, table, f"{organization_slug}-{stat}.csv", asked.headers)
        return Response(
            {str(project): _pairs(starts, counts) for project, counts in added.items()}, headers=asked.headers
        )


def _restricted(slugs: dict[int, str], asked: list[str]) -> dict[int, str]:
    """Only those asked for, where any is; an id that is no project of the organization's shows nothing."""
    wanted = {text for text in asked if text}
    for text in wanted:
        if not (text.isascii() and text.isdigit()):
            raise BadQuery("Invalid projectID: use numeric ids.")
    return {project: slug for project, slug in slugs.items() if not wanted or str(project) in wanted}


def _added(parts: list[tuple[int, ...]], points: int) -> list[int]:
    return [sum(counts) for counts in zip(*parts, strict=True)] if parts else [0] * points


def _pairs(starts: list[int], counts: list[int]) -> list[list[float | int]]:
    return [[float(start), count] for start, count in zip(starts, counts, strict=True)]
