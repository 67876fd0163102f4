"""GET /api/0/projects/{organization_slug}/{project_slug}/stats/: how many events there were in each bucket."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request

from projects.connections import get_store
from projects.selectors import FoundProject, load_environments
from statsapi.api.base import ApiView
from statsapi.api.errors import Missing
from statsapi.api.objects import get_project
from statsapi.api.permissions import PROJECT_SCOPES
from statsapi.api.schema.operations import describe
from statsapi.api.stats.csv_format import FORMAT, counts_as_csv, wants_csv
from statsapi.api.stats.example import EXAMPLE
from statsapi.api.stats.pairs import Pairs, pairs_response
from statsapi.api.stats.query import ENVIRONMENT, STAT, TIME_RANGE, parse_time_range
from statsapi.api.stats.stat_series import retention_of, series_of_stat, series_of_stat_in
from statsapi.http import clock
from tsdb.reading import Beliefs


class ProjectStatsView(ApiView):
    scope_map = PROJECT_SCOPES

    @describe(
        "retrieve_project_event_counts",
        "Retrieve event counts for a project",
        Pairs,
        says="The counts.",
        csv="The same as CSV: timestamp,count.",
        parameters=[STAT, *TIME_RANGE, ENVIRONMENT, FORMAT],
        description="How many errors the project had in each bucket of a window. "
        "Without parameters: the last 24 hours.",
        examples=[EXAMPLE],
    )
    def get(self, request: Request, organization_slug: str, project_slug: str) -> Any:
        now = clock.now_ns(request)
        project = get_project(self, organization_slug, project_slug)
        as_csv = wants_csv(request)
        parameters = request.query_params.dict()
        stat = STAT.read(parameters)
        environment = ENVIRONMENT.text(parameters)
        found = {project.id: _environment_id(self, project, environment)} if environment else None
        store = get_store()
        asked = parse_time_range(
            parameters, store.rollups, now, lambda: retention_of(store, [project.id], stat, found is not None, now)
        )
        of_stat = series_of_stat(store, [project.id], stat) if found is None else series_of_stat_in(found, stat)
        beliefs: Beliefs = {"since": asked.retained_since, "seen": of_stat.seen, "stamp": self.stamp}
        counts = asked.counts(store.get_added(of_stat.series, asked.window, now=asked.now, **beliefs))
        if as_csv:
            return counts_as_csv(asked.starts, counts, f"{project.slug}-{stat}.csv", asked.headers)
        return pairs_response(asked.starts, counts, asked.headers)


def _environment_id(view: ApiView, project: FoundProject, name: str) -> int:
    known = view.caller.known
    for anew in (False, True):
        names = known.environments(project.id, anew=anew) if known else load_environments(project.id)
        # Blanks around a name are removed before it is stored. An earlier version kept them.
        found = names.get(name) or names.get(name.strip())
        if found is not None:
            return found
    raise Missing
