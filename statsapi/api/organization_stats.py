"""GET /api/0/organizations/{organization_slug}/stats/: the stats of all its projects, together or each."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from projects import selectors
from projects.connections import get_store
from statsapi import clock
from statsapi.api import schema_stats as schema
from statsapi.api.base import ApiView
from statsapi.api.csv_format import csv_response, iso, wants_csv
from statsapi.api.errors import BadQuery, Missing
from statsapi.api.objects import get_organization
from statsapi.api.permissions import ORGANIZATION_SCOPES
from statsapi.api.points import points_of_projects_response, points_response
from statsapi.api.query import TimeRange, parse_stat, parse_time_range
from statsapi.api.stat_parts import parts_of
from tsdb import series
from tsdb.series import Series

GROUPS = ("organization", "project")

MAX_PAIRS = 500_000
"""Points of all projects together in one answer: some 12 MB. 1000 projects by 360 times 10 seconds are below it."""


class OrganizationStatsView(ApiView):
    scope_map = ORGANIZATION_SCOPES

    @extend_schema(**schema.ORGANIZATION_STATS)
    def get(self, request: Request, organization_slug: str) -> Any:
        organization = get_organization(self, request, organization_slug)
        parameters = request.query_params.dict()
        group = parameters.get("group") or "organization"
        if group not in GROUPS:
            raise BadQuery(f"Invalid group: {group}")
        stat = parse_stat(parameters)
        environment = parameters.get("environment") if stat == "generated" else None
        found = _environment(organization, environment) if environment else None
        store = get_store()
        asked = parse_time_range(parameters, store.rollups, clock.now_ns(request))
        wanted = _numbers(request.query_params.getlist("projectID"))
        slugs = selectors.project_slugs(organization)
        if group == "project":
            # An id that is no project of the organization's shows nothing.
            slugs = {project: slug for project, slug in slugs.items() if not wanted or str(project) in wanted}
            _refuse_too_many(len(slugs), asked.window.points)
        parts = parts_of(store, list(slugs), stat) if found is None else [one for one in found if one.project in slugs]
        filename = f"{organization_slug}-{stat}.csv" if wants_csv(request) else None
        if group == "project":
            by_project = store.get_added_by_project(parts, asked.window, now=asked.now)
            zeros = [0] * asked.window.points
            return _each({number: by_project.get(number, zeros) for number in slugs}, slugs, asked, filename)
        return _together(store.get_added(parts, asked.window, now=asked.now), asked, filename)


def _together(counts: list[int], asked: TimeRange, filename: str | None) -> HttpResponseBase:
    starts = asked.window.timestamps()
    if filename:
        rows = zip(map(iso, starts), counts, strict=True)
        return csv_response(["timestamp", "count"], rows, filename, asked.headers)
    return points_response(starts, counts, asked.headers)


def _each(
    counts: dict[int, list[int]], slugs: dict[int, str], asked: TimeRange, filename: str | None
) -> HttpResponseBase:
    starts = asked.window.timestamps()
    if filename:
        rows = (
            (slugs[project], iso(start), count)
            for project, of_project in counts.items()
            for start, count in zip(starts, of_project, strict=True)
        )
        return csv_response(["project", "timestamp", "count"], rows, filename, asked.headers)
    return points_of_projects_response(starts, counts, asked.headers)


def _environment(organization: int, name: str) -> list[Series]:
    """The series of the environment with that name in each project that has it. Raises Missing where none has."""
    found = selectors.environments_named(organization, name)
    if not found:
        raise Missing
    return [series.environment(project, number) for project, number in found.items()]


def _numbers(texts: list[str]) -> set[str]:
    wanted = {text for text in texts if text}
    for text in wanted:
        if not (text.isascii() and text.isdigit()):
            raise BadQuery("Invalid projectID: use numeric ids.")
    return wanted


def _refuse_too_many(projects: int, points: int) -> None:
    if projects * points > MAX_PAIRS:
        raise BadQuery(
            f"The answer would have {points} points for each of {projects} projects, {projects * points} in all; "
            f"the limit is {MAX_PAIRS}. Ask for a shorter range, a coarser resolution or fewer projects."
        )
