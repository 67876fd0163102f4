"""GET /api/0/organizations/{organization_slug}/stats_v2/: outcomes in any grouping. Grafana's data source asks it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NotRequired, TypedDict

from rest_framework.request import Request
from rest_framework.response import Response

from projects.connections import get_store
from statsapi.api.base import ApiView
from statsapi.api.errors import ASK_FOR_LESS, BadQuery, Missing
from statsapi.api.objects import get_organization, project_slugs
from statsapi.api.permissions import ORGANIZATION_SCOPES
from statsapi.api.schema.operations import describe
from statsapi.api.shapes import Count
from statsapi.api.stats.csv_format import iso
from statsapi.api.stats.v2_query import V2_PARAMETERS, Asked, parse_stats_query
from statsapi.api.stats.v2_range import TOO_MANY, StatsRange, choose_range
from statsapi.http import clock
from tsdb.facts import Group, TooManyGroups, add_facts
from tsdb.stamps import Stamp
from tsdb.store import Store

MAX_COUNTS = 500_000
"""Most groups times intervals in one answer: some 4 MB."""


class OutcomeGroup(TypedDict):
    """The counts of a group. `by` has its values of what groupBy names."""

    by: dict[str, Any]
    totals: dict[str, Count]
    series: NotRequired[dict[str, list[Count]]]


class Outcomes(TypedDict):
    """The answer. `start`, `end` and the starts of the `intervals` are in ISO 8601."""

    start: str
    end: str
    intervals: NotRequired[list[str]]
    groups: list[OutcomeGroup]


class StatsV2View(ApiView):
    scope_map = ORGANIZATION_SCOPES

    @describe(
        "retrieve_outcomes",
        "Retrieve outcomes by any grouping",
        Outcomes,
        says="Grouped by project there are no series and no intervals.",
        parameters=V2_PARAMETERS,
    )
    def get(self, request: Request, organization_slug: str) -> Response:
        organization = get_organization(self, organization_slug)
        now = clock.now_ns(request)
        store = get_store()
        slugs = project_slugs(self, organization)
        query = parse_stats_query(
            request.query_params, store.rollups, now, counted=lambda: store.unknown_categories(list(slugs))
        )
        projects = list(asked_projects(slugs, query))
        answered = choose_range(query, store.rollups, store.retention(projects, now=now))
        try:
            most = MAX_COUNTS // answered.points if query.has_series else MAX_COUNTS
            counted = add_outcomes(store, projects, query, answered, stamp=self.stamp, most_groups=most)
        except TooManyGroups:
            raise BadQuery(f"{TOO_MANY} {ASK_FOR_LESS}") from None
        groups = counted if query.group_by else {(): [0] * answered.points, **counted}
        return Response(_answer(groups, query, answered), headers=answered.headers)


def add_outcomes(
    store: Store,
    projects: Collection[int],
    query: Asked,
    answered: StatsRange,
    *,
    stamp: Stamp | None = None,
    most_groups: int = MAX_COUNTS,
) -> dict[Group, list[int]]:
    """Return a count for each interval of the range, by the query's groups. A group without counts is left out.

    Raises what tsdb.facts.add_facts raises.
    """
    sums = add_facts(
        store,
        list(projects),
        query.by(*query.group_by),
        answered.window,
        now=answered.now,
        since=answered.retained_since,
        stamp=stamp,
        most_groups=most_groups,
    )
    return {group: answered.add_up(counts) for group, counts in sums.items() if any(counts)}


def asked_projects(slugs: Mapping[int, str], query: Asked) -> Mapping[int, str]:
    """Return those of an organization's projects, slugs by id, that the query is about.

    Raises Missing for a project that is not the organization's.
    """
    if not query.projects:
        return slugs
    names = {name: project for project, slug in slugs.items() for name in (str(project), slug)}
    # An id may be written with leading zeros. No slug has digits alone.
    asked = {str(int(name)) if name.isdigit() else name for name in query.projects}
    if asked - names.keys():
        raise Missing
    wanted = {names[name] for name in asked}
    return {project: slug for project, slug in slugs.items() if project in wanted}


def _answer(groups: dict[Group, list[int]], query: Asked, answered: StatsRange) -> Outcomes:
    rows: list[OutcomeGroup] = []
    for group in sorted(groups):
        counts = groups[group]
        row: OutcomeGroup = {
            "by": dict(zip(query.group_by, group, strict=True)),
            "totals": dict.fromkeys(query.fields, sum(counts)),
        }
        if query.has_series:
            row["series"] = dict.fromkeys(query.fields, counts)
        rows.append(row)
    start, end = iso(answered.start), iso(answered.end)
    if not query.has_series:
        return {"start": start, "end": end, "groups": rows}
    intervals = [iso(interval) for interval in answered.starts]
    return {"start": start, "end": end, "intervals": intervals, "groups": rows}
