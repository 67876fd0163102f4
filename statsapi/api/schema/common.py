"""What the OpenAPI document says of each endpoint, apart from what its code says already."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from projects.environment_names import ALLOWED_CHARACTERS, LONGEST_ENVIRONMENT
from projects.models import HEX_PATTERN
from statsapi.api.resources.outcome_rows import MAX_IDEMPOTENCY_KEY, MAX_REASON, MAX_ROWS
from tsdb.outcomes import CATEGORY_NAMES, FILTERS, LARGEST_QUANTITY, STATS, Outcome

EXAMPLE_START = 1537308000
EXAMPLE_COUNTS = (
    459, 1290, 1460, 1059, 1154, 943, 1849, 545, 832, 1726, 1174, 653,
    935, 1383, 1766, 1341, 1508, 1142, 1259, 959, 1591, 1571, 834, 1343,
)  # fmt: skip
"""The hourly counts of the example that the endpoint's original documentation shows."""


def only_the_api(endpoints: list[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    return [endpoint for endpoint in endpoints if endpoint[0].startswith("/api/0/")]


def say_the_rest(result: Any, generator: Any, request: Any, public: bool) -> Any:
    """What drf-spectacular does not: which bodies must be there, and that an empty parameter means none."""
    for operations in result["paths"].values():
        for operation in operations.values():
            body = operation.get("requestBody")
            if body and any("required" in one["schema"] for one in body["content"].values()):
                body["required"] = True
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "query" and not parameter.get("required"):
                    parameter["allowEmptyValue"] = True
    return result


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "statsapi.api.authentication.Authentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A token; `manage.py createtoken` makes one.",
        }


_TEXT = {"type": "string"}
_DETAIL = {"type": "object", "properties": {"detail": _TEXT}, "required": ["detail"]}
_FIELD_ERRORS = {
    "type": "object",
    "minProperties": 1,
    "additionalProperties": {"anyOf": [{"type": "array", "items": _TEXT}, {"type": "object"}]},
}
_MOVED = {
    "type": "object",
    "required": ["slug", "detail"],
    "properties": {
        "slug": _TEXT,
        "detail": {
            "type": "object",
            "required": ["code", "message", "extra"],
            "properties": {
                "code": {"const": "resource-moved"},
                "message": _TEXT,
                "extra": {"type": "object", "required": ["url", "slug"], "properties": {"url": _TEXT, "slug": _TEXT}},
            },
        },
    },
}
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


REFUSALS = {
    401: error("No credentials, or a token that is unknown, revoked or expired."),
    403: error("The token lacks the scope, or the user the role."),
    429: error("The token asked too often; Retry-After says when it may again. Only where API_RATE_LIMIT is set."),
    503: error("Redis or the database cannot be reached; Retry-After says when to come back."),
}
"""What any endpoint may answer."""

ERRORS = {
    400: error("A parameter cannot be obeyed; the detail says which."),
    404: error("There is no such object, or the caller has no access to its organization."),
    **REFUSALS,
}
BODY_ERRORS = {
    400: OpenApiResponse(
        {"anyOf": [_DETAIL, _FIELD_ERRORS]}, "The body cannot be obeyed: a detail, or messages by the field."
    ),
    413: error("The body is too large."),
}
_MOVED_RESPONSE = OpenApiResponse(_MOVED, "The project has another slug now; Location and the body say where it is.")
MOVED = {302: _MOVED_RESPONSE}
MOVED_WRITE = {308: _MOVED_RESPONSE}
"""The client should send the same request there, with its method and its body."""


def query_parameter(name: str, kind: Any, description: str, **more: Any) -> OpenApiParameter:
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, description=description, **more)


def path_parameter(name: str, description: str, pattern: str = "^[a-z0-9_-]{1,100}$") -> OpenApiParameter:
    kind = {"type": "string", "pattern": pattern}
    return OpenApiParameter(name, kind, OpenApiParameter.PATH, description=description)


PATH = [
    path_parameter("organization_slug", "Slug or id of the organization."),
    path_parameter("project_slug", "Slug or id of the project."),
]
KEY_PATH = [*PATH, path_parameter("public_key", "32 hex digits.", HEX_PATTERN.replace(r"\Z", "$"))]

WHAT = query_parameter("stat", str, "What to count.", enum=[*STATS, *FILTERS], default="received")
_INSTANT = {"type": "number", "minimum": -62135596800, "exclusiveMaximum": 253402300800}
TIME_RANGE = [
    query_parameter("since", _INSTANT, "Start, seconds since the epoch. Default: until - 86399."),
    query_parameter("until", _INSTANT, "End, seconds since the epoch. Default: now."),
    query_parameter(
        "statsPeriod",
        {"type": "string", "pattern": "^([1-9][0-9]{0,8}[smhdw])?$"},
        "How long before until it begins, unless since is given: `24h`, `14d`, …",
    ),
    query_parameter(
        "resolution",
        {"type": "string", "pattern": "^([1-9][0-9]{0,8}[smhd])?$"},
        "Length of a bucket, one of the configured rollups: `10s`, `1h`, `60m`, … Default: chosen by the window.",
    ),
    query_parameter(
        "timezone", str, "IANA name. With a resolution of a day: days of that zone, as far back as hours are kept."
    ),
]
FORMAT = query_parameter("format", str, "`csv`: as a table, as with the header Accept: text/csv.")

PROJECT_STATS: dict[str, Any] = {
    "operation_id": "retrieve_project_event_counts",
    "summary": "Retrieve event counts for a project",
    "description": "How many errors the project had in each bucket of a window. Without parameters: the last 24 hours.",
    "parameters": [
        *PATH,
        WHAT,
        *TIME_RANGE,
        query_parameter("environment", str, "The name of an environment, whose events alone are counted."),
        FORMAT,
    ],
    "responses": {
        (200, "application/json"): OpenApiResponse(POINTS, "The counts."),
        (200, "text/csv"): OpenApiResponse({"type": "string"}, "The same as CSV: timestamp,count."),
        **ERRORS,
        **MOVED,
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
        "category": {"enum": [*CATEGORY_NAMES, None], "default": "error"},
        "reason": {
            "type": ["string", "null"],
            "minLength": 1,
            "maxLength": MAX_REASON,
            "description": "Unknown reasons are counted as `other`.",
        },
        "quantity": {"type": ["integer", "null"], "minimum": 1, "maximum": LARGEST_QUANTITY, "default": 1},
        "timestamp": {"type": ["number", "null"], "description": "Seconds since the epoch. Default: now."},
        "key": {"type": ["string", "null"], "pattern": "^[0-9a-f]{32}$", "description": "A public key of the project."},
        "environment": {
            "type": ["string", "null"],
            "minLength": 1,
            "maxLength": LONGEST_ENVIRONMENT,
            "pattern": f"^{ALLOWED_CHARACTERS}*$",
            "description": "The name of an environment, which is not blank or the word `none`.",
        },
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
            {"type": "string", "minLength": 1, "maxLength": MAX_IDEMPOTENCY_KEY},
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
        **ERRORS,
        **BODY_ERRORS,
        **MOVED_WRITE,
    },
}
