"""GET /api/0/organizations/{organization_slug}/stats-summary/: outcomes per project, as JSON or CSV."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple, TypedDict

from rest_framework.request import Request
from rest_framework.response import Response

from projects.connections import get_store
from statsapi.api.base import ApiView
from statsapi.api.objects import get_organization, project_slugs
from statsapi.api.parameters import Parameter
from statsapi.api.permissions import ORGANIZATION_SCOPES
from statsapi.api.schema.operations import describe
from statsapi.api.shapes import Count
from statsapi.api.stats.csv_format import csv_response, iso
from statsapi.api.stats.v2 import asked_projects
from statsapi.api.stats.v2_query import SUMMARY_PARAMETERS, Asked, parse_stats_query
from statsapi.api.stats.v2_range import choose_range
from statsapi.http import clock
from tsdb.facts import Group, add_facts
from tsdb.outcomes import Outcome

DROPPED = (Outcome.RATE_LIMITED, Outcome.INVALID, Outcome.CARDINALITY_LIMITED)
OUTCOMES = [outcome.value for outcome in Outcome]

DOWNLOAD = Parameter("download", "Anything but `0` and `false`, in capitals or not: as CSV.")
NO_DOWNLOAD = ("", "0", "false")


class Row(NamedTuple):
    """The counts of a project in a category."""

    outcomes: dict[str, int]
    dropped: int
    total: int


Sums = dict[int, dict[str, dict[str, int]]]
"""project -> category -> outcome -> count, without zeros"""


class CategorySummary(TypedDict):
    """A project's counts of a category."""

    category: str
    outcomes: dict[str, Count]
    totals: dict[str, Count]


class ProjectSummary(TypedDict):
    """A project and its counts by category."""

    id: int
    slug: str
    stats: list[CategorySummary]


class Summary(TypedDict):
    """The answer. `start` and `end` are in ISO 8601."""

    start: str
    end: str
    projects: list[ProjectSummary]


class StatsSummaryView(ApiView):
    scope_map = ORGANIZATION_SCOPES

    @describe(
        "summarize_outcomes",
        "Summarize outcomes per project",
        Summary,
        says="Each project that has counts, a row a category.",
        csv="The same as CSV.",
        parameters=[*SUMMARY_PARAMETERS, DOWNLOAD],
    )
    def get(self, request: Request, organization_slug: str) -> Any:
        organization = get_organization(self, organization_slug)
        now = clock.now_ns(request)
        store = get_store()
        all_slugs = project_slugs(self, organization)
        query = parse_stats_query(
            request.query_params,
            store.rollups,
            now,
            counted=lambda: store.unknown_categories(list(all_slugs)),
            summary=True,
        )
        slugs = asked_projects(all_slugs, query)
        answered = choose_range(query, store.rollups, store.retention(list(slugs), now=now))
        sums = _sums(
            add_facts(
                store,
                list(slugs),
                query.by("project", "category", "outcome"),
                answered.window,
                now=answered.now,
                since=answered.retained_since,
                stamp=self.stamp,
            )
        )
        outcomes = _outcomes(sums, query)
        rows = {
            project: {category: _row(counts, outcomes) for category, counts in sorted(sums[project].items())}
            for project in slugs
            if project in sums
        }
        if (DOWNLOAD.text(request.query_params) or "").lower() not in NO_DOWNLOAD:
            header = ["id", "slug", "category", *outcomes, "dropped", *query.fields]
            return csv_response(header, _table(rows, slugs, query), "stats_summary.csv", answered.headers)
        projects: list[ProjectSummary] = [
            {
                "id": project,
                "slug": slugs[project],
                "stats": [_stat(category, row, query) for category, row in of_project.items()],
            }
            for project, of_project in rows.items()
        ]
        answer = Summary(start=iso(answered.start), end=iso(answered.end), projects=projects)
        return Response(answer, headers=answered.headers)


def _sums(counted: dict[Group, list[int]]) -> Sums:
    sums: Sums = {}
    for (project, category, outcome), counts in counted.items():
        if total := sum(counts):
            sums.setdefault(int(project), {}).setdefault(str(category), {})[str(outcome)] = total
    return sums


def _outcomes(sums: Sums, query: Asked) -> list[str]:
    """Return the outcomes to show: those asked for, those that the reasons asked for have, or all."""
    if query.outcomes:
        shown: Collection[str] = query.outcomes
    elif query.reasons:
        shown = {outcome for of_project in sums.values() for counts in of_project.values() for outcome in counts}
    else:
        return OUTCOMES
    return [outcome for outcome in OUTCOMES if outcome in shown]


def _row(counts: dict[str, int], outcomes: list[str]) -> Row:
    return Row(
        {outcome: counts.get(outcome, 0) for outcome in outcomes},
        sum(counts.get(outcome, 0) for outcome in DROPPED),
        sum(counts.values()),
    )


def _stat(category: str, row: Row, query: Asked) -> CategorySummary:
    totals = {"dropped": row.dropped, **dict.fromkeys(query.fields, row.total)}
    return {"category": category, "outcomes": row.outcomes, "totals": totals}


def _table(rows: dict[int, dict[str, Row]], slugs: Mapping[int, str], query: Asked) -> Iterator[list[str | int]]:
    for project, of_project in rows.items():
        for category, row in of_project.items():
            totals = [row.total] * len(query.fields)
            yield [project, slugs[project], category, *row.outcomes.values(), row.dropped, *totals]
