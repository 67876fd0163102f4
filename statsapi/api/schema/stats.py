"""What the OpenAPI document says of the statistics of organizations and keys."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from statsapi.api.schema.common import (
    ERRORS,
    FORMAT,
    KEY_PATH,
    MOVED,
    PATH,
    POINTS,
    TIME_RANGE,
    WHAT,
    query_parameter,
)
from tsdb.outcomes import CATEGORY_NAMES, Outcome

_COUNT = {"type": "integer", "minimum": 0}
_TEXT = {"type": "string"}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _strings(name: str, description: str, **more: Any) -> OpenApiParameter:
    return query_parameter(name, {"type": "array", "items": {"type": "string", **more}}, description)


_CSV = OpenApiResponse({"type": "string"}, "The same as CSV.")
_ORGANIZATION_PATH = PATH[:1]

ORGANIZATION_STATS: dict[str, Any] = {
    "operation_id": "retrieve_organization_event_counts",
    "summary": "Retrieve event counts for an organization",
    "parameters": [
        *_ORGANIZATION_PATH,
        query_parameter("group", str, "All projects together, or each.", enum=["organization", "project"]),
        query_parameter(
            "projectID",
            {"type": "array", "items": {"type": "string", "pattern": "^[0-9]+$"}},
            "With group=project: only these.",
        ),
        WHAT,
        *TIME_RANGE,
        query_parameter("environment", str, "The name of an environment, whose events alone are counted."),
        FORMAT,
    ],
    "responses": {
        (200, "application/json"): OpenApiResponse(
            {"oneOf": [POINTS, {"type": "object", "additionalProperties": POINTS}]},
            "Pairs, or with group=project an object of them by project id.",
        ),
        (200, "text/csv"): _CSV,
        **ERRORS,
    },
}

KEY_STATS: dict[str, Any] = {
    "operation_id": "retrieve_key_event_counts",
    "summary": "Retrieve event counts for a key",
    "parameters": [*KEY_PATH, *TIME_RANGE],
    "responses": {
        200: OpenApiResponse(
            {
                "type": "array",
                "items": _object(
                    ts={"type": "integer"}, total=_COUNT, dropped=_COUNT, filtered=_COUNT, accepted=_COUNT
                ),
            },
            "A row a bucket, ascending.",
        ),
        **ERRORS,
        **MOVED,
    },
}

_LENGTH = {"type": "string", "pattern": "^([1-9][0-9]{0,8}[smhdw])?$"}
_IDS = {"type": "array", "items": {"type": "integer", "minimum": -1, "maximum": 10**18 - 1}}
_PROJECTS = {"type": "array", "items": {"type": "string", "pattern": "^(-1|[a-z0-9_-]{1,100})$"}}
_STATS_PARAMETERS = [
    *_ORGANIZATION_PATH,
    query_parameter(
        "field",
        {"type": "array", "minItems": 1, "items": {"type": "string", "enum": ["sum(quantity)", "sum(times_seen)"]}},
        "What to add up.",
        required=True,
    ),
    query_parameter(
        "interval",
        str,
        "`1h`, `10m`, …; divides a day. The answer is at the next longer one where it is not kept since the start. "
        "Default, also for `auto` and what is no length of time: 1h.",
    ),
    query_parameter("statsPeriod", _LENGTH, "`<n>` m, h, d, w or s, until now."),
    query_parameter("start", str, "ISO 8601, without zone in UTC, or seconds since the epoch."),
    query_parameter("end", str, "As start."),
    query_parameter("project", _PROJECTS, "Ids or slugs; -1: all."),
    _strings("category", "Only these.", enum=list(CATEGORY_NAMES)),
    _strings("outcome", "Only these.", enum=[outcome.value for outcome in Outcome]),
    _strings("reason", "Only these."),
    query_parameter("key_id", _IDS, "Only these keys, by numeric id; 0: what came without a key."),
]
_TOTALS = {"type": "object", "additionalProperties": _COUNT}

STATS_V2: dict[str, Any] = {
    "operation_id": "retrieve_outcomes",
    "summary": "Retrieve outcomes by any grouping",
    "parameters": [
        *_STATS_PARAMETERS,
        _strings("groupBy", "How to group.", enum=["outcome", "category", "reason", "project", "key_id"]),
    ],
    "responses": {
        200: OpenApiResponse(
            {
                "type": "object",
                "required": ["start", "end", "groups"],
                "properties": {
                    "start": _TEXT,
                    "end": _TEXT,
                    "intervals": {"type": "array", "items": _TEXT},
                    "groups": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["by", "totals"],
                            "properties": {
                                "by": {"type": "object", "additionalProperties": {}},
                                "totals": _TOTALS,
                                "series": {
                                    "type": "object",
                                    "additionalProperties": {"type": "array", "items": _COUNT},
                                },
                            },
                        },
                    },
                },
            },
            "Grouped by project there are no series and no intervals.",
        ),
        **ERRORS,
    },
}

STATS_SUMMARY: dict[str, Any] = {
    "operation_id": "summarize_outcomes",
    "summary": "Summarize outcomes per project",
    "parameters": [*_STATS_PARAMETERS, query_parameter("download", str, "Anything but `0` and `false`: as CSV.")],
    "responses": {
        (200, "application/json"): OpenApiResponse(
            _object(
                start=_TEXT,
                end=_TEXT,
                projects={
                    "type": "array",
                    "items": _object(
                        id={"type": "integer"},
                        slug=_TEXT,
                        stats={
                            "type": "array",
                            "items": _object(category=_TEXT, outcomes=_TOTALS, totals=_TOTALS),
                        },
                    ),
                },
            ),
            "Each project that has counts, a row a category.",
        ),
        (200, "text/csv"): _CSV,
        **ERRORS,
    },
}
