"""What the OpenAPI document says of each endpoint, apart from what its code says already."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from statsapi.api.outcome_rows import MAX_ENVIRONMENT, MAX_QUANTITY, MAX_REASON, MAX_ROWS
from tsdb.outcomes import FILTERS, STATS, Category, Outcome

EXAMPLE_START = 1537308000
EXAMPLE_COUNTS = (
    459, 1290, 1460, 1059, 1154, 943, 1849, 545, 832, 1726, 1174, 653,
    935, 1383, 1766, 1341, 1508, 1142, 1259, 959, 1591, 1571, 834, 1343,
)  # fmt: skip
"""The hourly counts of the example that the endpoint's original documentation shows."""


def only_the_api(endpoints: list[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    return [endpoint for endpoint in endpoints if endpoint[0].startswith("/api/0/")]


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "statsapi.api.authentication.Authentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A token; `manage.py createtoken` makes one.",
        }


_DETAIL = {"type": "object", "properties": {"detail": {"type": "string"}}, "required": ["detail"]}
POINTS = {
    "type": "array",
    "items": {
        "type": "array",
        "minItems": 2,
        "maxItems": 2,
        "prefixItems": [{"type": "number"}, {"type": "integer"}],
        "items": {"type": "number"},  # for tools that do not know prefixItems
    },
    "description": "[timestamp, count] pairs, ascending; a timestamp is its bucket's start, seconds since the epoch.",
}


def error(description: str) -> OpenApiResponse:
    return OpenApiResponse(_DETAIL, description)


ERRORS = {
    400: error("A parameter or the body cannot be obeyed; the detail says which."),
    401: error("No credentials, or a token that is unknown, revoked or expired."),
    403: error("The token lacks the scope."),
    404: error("There is no such object, or the caller has no access to its organization."),
    503: error("Redis or the database cannot be reached; Retry-After says when to come back."),
}


def query_parameter(name: str, kind: Any, description: str, **more: Any) -> OpenApiParameter:
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, description=description, **more)


PATH = [
    OpenApiParameter("organization_slug", str, OpenApiParameter.PATH, description="Slug or id of the organization."),
    OpenApiParameter("project_slug", str, OpenApiParameter.PATH, description="Slug or id of the project."),
]

WHAT = query_parameter("stat", str, "What to count.", enum=[*STATS, *FILTERS], default="received")
TIME_RANGE = [
    query_parameter("since", OpenApiTypes.NUMBER, "Start, seconds since the epoch. Default: until - 86399."),
    query_parameter("until", OpenApiTypes.NUMBER, "End, seconds since the epoch. Default: now."),
    query_parameter(
        "resolution", str, "Length of a bucket, one of the configured rollups. Default: chosen by the window."
    ),
]

PROJECT_STATS: dict[str, Any] = {
    "operation_id": "retrieve_project_event_counts",
    "summary": "Retrieve event counts for a project",
    "description": "How many errors the project had in each bucket of a window. Without parameters: the last 24 hours.",
    "parameters": [
        *PATH,
        WHAT,
        *TIME_RANGE,
        query_parameter("environment", str, "With stat=generated: the name of an environment."),
        query_parameter("format", str, "`csv`: as a table.", enum=["json", "csv"]),
    ],
    "responses": {
        (200, "application/json"): OpenApiResponse(POINTS, "The counts."),
        (200, "text/csv"): OpenApiResponse({"type": "string"}, "The same as CSV: timestamp,count."),
        **ERRORS,
    },
    "examples": [
        OpenApiExample(
            "A day by the hour",
            [[float(EXAMPLE_START + 3600 * hour), count] for hour, count in enumerate(EXAMPLE_COUNTS)],
            response_only=True,
            status_codes=["200"],
        )
    ],
}

_ROW = {
    "type": "object",
    "additionalProperties": False,
    "required": ["outcome"],
    "properties": {
        "outcome": {"type": "string", "enum": [outcome.value for outcome in Outcome]},
        "category": {"enum": [*(category.value for category in Category), None], "default": "error"},
        "reason": {
            "type": ["string", "null"],
            "minLength": 1,
            "maxLength": MAX_REASON,
            "description": "Unknown reasons are counted as `other`.",
        },
        "quantity": {"type": ["integer", "null"], "minimum": 1, "maximum": MAX_QUANTITY, "default": 1},
        "timestamp": {"type": ["number", "null"], "description": "Seconds since the epoch. Default: now."},
        "key": {"type": ["string", "null"], "pattern": "^[0-9a-f]{32}$", "description": "A public key of the project."},
        "environment": {"type": ["string", "null"], "minLength": 1, "maxLength": MAX_ENVIRONMENT},
    },
}

OUTCOMES: dict[str, Any] = {
    "operation_id": "count_outcomes",
    "summary": "Count outcomes that were determined elsewhere",
    "description": "All of them are counted, or none.",
    "parameters": [
        *PATH,
        OpenApiParameter(
            "Idempotency-Key",
            str,
            OpenApiParameter.HEADER,
            description="A repeat with the same body within 24 hours counts nothing and answers the same.",
        ),
    ],
    "request": {
        "application/json": {
            "type": "object",
            "required": ["outcomes"],
            "properties": {"outcomes": {"type": "array", "minItems": 1, "maxItems": MAX_ROWS, "items": _ROW}},
        }
    },
    "responses": {
        201: OpenApiResponse(
            {"type": "object", "properties": {"accepted": {"type": "integer"}}, "required": ["accepted"]},
            "The sum of the quantities.",
        ),
        409: error("The Idempotency-Key was used with another body."),
        413: error("The body is too large."),
        **ERRORS,
    },
}
