"""GET …/projects/{organization_slug}/{project_slug}/keys/{public_key}/stats/: the counts of a key."""

from __future__ import annotations

from typing import TypedDict

from rest_framework.request import Request
from rest_framework.response import Response

from projects.connections import get_store
from statsapi.api.base import ApiView
from statsapi.api.errors import BadQuery
from statsapi.api.objects import get_project
from statsapi.api.permissions import PROJECT_SCOPES
from statsapi.api.resources.keys import find_key
from statsapi.api.schema.operations import describe
from statsapi.api.shapes import Count
from statsapi.api.stats.query import TIME_RANGE, parse_time_range
from statsapi.http import clock
from tsdb.facts import Question, add_facts
from tsdb.outcomes import Category, Outcome

COLUMNS = (Outcome.RATE_LIMITED, Outcome.FILTERED, Outcome.ACCEPTED)


class KeyCounts(TypedDict):
    """The counts of a key in a bucket, which begins at `ts`, seconds since the epoch."""

    ts: int
    total: Count
    dropped: Count
    filtered: Count
    accepted: Count


class KeyStatsView(ApiView):
    scope_map = PROJECT_SCOPES

    @describe(
        "retrieve_key_event_counts",
        "Retrieve event counts for a key",
        list[KeyCounts],
        says="A row a bucket, ascending.",
        parameters=TIME_RANGE,
    )
    def get(self, request: Request, organization_slug: str, project_slug: str, public_key: str) -> Response:
        project = get_project(self, organization_slug, project_slug)
        key = find_key(project, public_key)
        store = get_store()
        now, parameters = clock.now_ns(request), request.query_params.dict()
        try:
            asked = parse_time_range(parameters, store.rollups, now, lambda: store.retention([project.id], now=now))
        except BadQuery:
            raise BadQuery("Invalid request data") from None
        question = Question(lambda kind: kind.category == Category.ERROR, [key.pk], ["outcome"])
        sums = add_facts(
            store, [project.id], question, asked.window, now=asked.now, since=asked.retained_since, stamp=self.stamp
        )
        zeros = [0] * asked.window.points
        columns = [asked.counts(sums.get((outcome,), zeros)) for outcome in COLUMNS]
        rows = [
            KeyCounts(
                ts=start,
                total=dropped + filtered + accepted,
                dropped=dropped,
                filtered=filtered,
                accepted=accepted,
            )
            for start, dropped, filtered, accepted in zip(asked.starts, *columns, strict=True)
        ]
        return Response(rows, headers=asked.headers)
