"""GET /api/0/projects/{organization_slug}/{project_slug}/stats/: how many events, when."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from projects.connections import get_store
from projects.selectors import environments_of, load_environments
from statsapi import clock
from statsapi.api import schema
from statsapi.api.base import ApiView
from statsapi.api.errors import Missing
from statsapi.api.objects import get_project
from statsapi.api.permissions import PROJECT_SCOPES
from statsapi.api.query import parse_stat, parse_time_range
from tsdb import series
from tsdb.outcomes import STATS, Category, Outcome
from tsdb.series import Series


class ProjectStatsView(ApiView):
    scope_map = PROJECT_SCOPES

    @extend_schema(**schema.PROJECT_STATS)
    def get(self, request: Request, organization_slug: str, project_slug: str) -> Response:
        now = clock.now_ns(request)
        project = get_project(self, request, organization_slug, project_slug)
        parameters = request.query_params.dict()
        stat = parse_stat(parameters)
        environment = parameters.get("environment") if stat == "generated" else None
        environment_id = _environment_id(project.id, environment) if environment else None
        store = get_store()
        asked = parse_time_range(parameters, store.rollups, now)
        if environment_id is not None:
            parts = [series.environment(project.id, environment_id)]
        elif stat in STATS:
            parts = [series.total(project.id, Category.ERROR, outcome) for outcome in STATS[stat]]
        else:
            parts = _filtered_for(project.id, stat, store.series_of(project.id))
        counts = store.get_added(parts, asked.window, now=asked.now)
        return Response(
            [[float(start), count] for start, count in zip(asked.window.timestamps(), counts, strict=True)],
            headers={
                "X-Stats-Resolution": str(asked.window.rollup.seconds),
                "X-Stats-Retained-Since": str(asked.retained_since),
            },
        )


def _environment_id(project: int, name: str) -> int:
    found = environments_of(project).get(name) or load_environments(project).get(name)
    if found is None:
        raise Missing
    return found


def _filtered_for(project: int, reason: str, names: list[str]) -> list[Series]:
    """The facts of errors that an inbound filter kept out, of every key."""
    wanted = (Category.ERROR, Outcome.FILTERED, reason)
    facts = ((name, series.parse_fact(name)) for name in names)
    return [Series(project, name) for name, fact in facts if fact and fact[1:] == wanted]
