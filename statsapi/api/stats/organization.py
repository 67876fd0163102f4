"""GET /api/0/organizations/{organization_slug}/stats/: the stats of its projects, all together or each by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpResponseBase, QueryDict
from rest_framework.request import Request

from projects import selectors
from projects.connections import get_store
from projects.models import SLUG
from statsapi.api.base import ApiView
from statsapi.api.errors import BadQuery, Missing
from statsapi.api.objects import get_organization, get_team, project_slugs
from statsapi.api.parameters import Choice, Patterns
from statsapi.api.permissions import ORGANIZATION_SCOPES
from statsapi.api.schema.operations import View, describe
from statsapi.api.stats.csv_format import FORMAT, counts_as_csv, counts_by_project_as_csv, wants_csv
from statsapi.api.stats.pairs import Pairs, pairs_by_project_response, pairs_response
from statsapi.api.stats.query import ENVIRONMENT, STAT, TIME_RANGE, TimeRange, parse_time_range
from statsapi.api.stats.stat_series import retention_of, series_of_stat, series_of_stat_in
from statsapi.http import clock
from tsdb.reading import Beliefs

GROUP = Choice("group", "All projects together, or each.", ("organization", "project"), default="organization")
PROJECT_ID = Patterns(
    "projectID", "With group=project: only these.", f"[0-9]+|{SLUG}", "Invalid projectID: use ids or slugs."
)

PARAMETERS = [GROUP, PROJECT_ID, STAT, *TIME_RANGE, ENVIRONMENT, FORMAT]

LONGEST_NAMES = 4096
"""The most bytes of X-Stats-Projects, because proxies and clients refuse long headers."""

MAX_PAIRS = 500_000
"""Most pairs of all projects in one answer: some 12 MB. 1000 projects by 360 times 10 seconds are below it."""


def _describe(operation_id: str, summary: str) -> Callable[[View], View]:
    return describe(
        operation_id,
        summary,
        Pairs | dict[str, Pairs],
        says="Pairs, or with group=project an object of them by project id.",
        csv="The same as CSV.",
        parameters=PARAMETERS,
    )


class OrganizationStatsView(ApiView):
    scope_map = ORGANIZATION_SCOPES

    @_describe("retrieve_organization_event_counts", "Retrieve event counts for an organization")
    def get(self, request: Request, organization_slug: str) -> Any:
        return _answer(self, request, get_organization(self, organization_slug), organization_slug)


class TeamStatsView(ApiView):
    """The stats of a team, which are those of its organization."""

    scope_map = ORGANIZATION_SCOPES

    @_describe("retrieve_team_event_counts", "Retrieve event counts for the organization's one team")
    def get(self, request: Request, organization_slug: str, team_slug: str) -> Any:
        return _answer(self, request, get_team(self, organization_slug, team_slug), organization_slug)


def _answer(view: ApiView, request: Request, organization: int, name: str) -> HttpResponseBase:
    parameters = request.query_params.dict()
    group = GROUP.read(parameters)
    stat = STAT.read(parameters)
    environment = ENVIRONMENT.text(parameters)
    found = _environment_ids(organization, environment) if environment else None
    store = get_store()
    now = clock.now_ns(request)
    slugs = _asked(project_slugs(view, organization), request.query_params, group)
    asked = parse_time_range(
        parameters, store.rollups, now, lambda: retention_of(store, list(slugs), stat, found is not None, now)
    )
    if group == "project":
        _refuse_too_many(len(slugs), max(asked.window.points, len(asked.starts)))
    if found is None:
        of_stat = series_of_stat(store, list(slugs), stat)
    else:
        of_stat = series_of_stat_in({project: found[project] for project in slugs if project in found}, stat)
    filename = f"{name}-{stat}.csv" if wants_csv(request) else None
    beliefs: Beliefs = {"since": asked.retained_since, "seen": of_stat.seen, "stamp": view.stamp}
    if group == "project":
        by_project = store.get_added_by_project(of_stat.series, asked.window, now=asked.now, **beliefs)
        zeros = [0] * asked.window.points
        counts = {number: asked.counts(by_project.get(number, zeros)) for number in slugs}
        return _each(counts, slugs, asked, filename)
    counted = store.get_added(of_stat.series, asked.window, now=asked.now, **beliefs)
    return _together(asked.counts(counted), asked, filename)


def _together(counts: list[int], asked: TimeRange, filename: str | None) -> HttpResponseBase:
    if filename:
        return counts_as_csv(asked.starts, counts, filename, asked.headers)
    return pairs_response(asked.starts, counts, asked.headers)


def _each(
    counts: dict[int, list[int]], slugs: Mapping[int, str], asked: TimeRange, filename: str | None
) -> HttpResponseBase:
    if filename:
        each = ((project, slugs[project], of_project) for project, of_project in counts.items())
        return counts_by_project_as_csv(asked.starts, each, filename, asked.headers)
    return pairs_by_project_response(asked.starts, counts, {**asked.headers, **_names(slugs)})


def _names(slugs: Mapping[int, str]) -> dict[str, str]:
    """Return the header with the slug of each project in the answer, whose keys are ids alone."""
    names = ", ".join(f"{number}={slug}" for number, slug in slugs.items())
    return {"X-Stats-Projects": names} if 0 < len(names) <= LONGEST_NAMES else {}


def _environment_ids(organization: int, name: str) -> dict[int, int]:
    """Return the ids of the environments with that name, by the project's id. Raises Missing if no project has one."""
    # Blanks around a name are removed before it is stored. An earlier version kept them.
    found = selectors.environments_named(organization, name) or selectors.environments_named(organization, name.strip())
    if not found:
        raise Missing
    return found


def _asked(slugs: Mapping[int, str], query: QueryDict, group: str) -> Mapping[int, str]:
    """Return those of the organization's projects, slugs by id, that are asked for. Other ids are left out."""
    wanted = set(PROJECT_ID.read(query))
    if group == "organization" or not wanted:
        return slugs
    return {project: slug for project, slug in slugs.items() if not wanted.isdisjoint((str(project), slug))}


def _refuse_too_many(projects: int, points: int) -> None:
    if projects * points > MAX_PAIRS:
        raise BadQuery(
            f"The answer would have {points} points for each of {projects} projects, {projects * points} in all; "
            f"the limit is {MAX_PAIRS}. Ask for a shorter range, a coarser resolution or fewer projects."
        )
