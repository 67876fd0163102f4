"""`describe`: a decorator of view methods that says what the OpenAPI document cannot read from the code.

Parameters, bodies and answers are described by the objects that the code itself uses: parameters by those of
statsapi/api/parameters.py, bodies by their serializers, answers by their types. Path parameters and errors follow from
the method's name and arguments.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple, TypeVar

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from projects.models import HEX_PATTERN
from statsapi.api.errors import Detail, MovedAnswer
from statsapi.api.parameters import ID, SLUG_OR_ID
from statsapi.api.shapes import More, ecma, shape_of
from tsdb.outcomes import FILTERS

View = TypeVar("View", bound=Callable[..., Any])


class Operation(NamedTuple):
    """What statsapi/api/resources/links.py needs of an operation: the answer's type and the path parameters."""

    answer: Any
    path: frozenset[str]


OPERATIONS: dict[str, Operation] = {}
"""All described operations by their ids."""


def _path_parameter(name: str, description: str, pattern: str = f"^({SLUG_OR_ID})$") -> OpenApiParameter:
    schema = {"type": "string", "pattern": pattern}
    return OpenApiParameter(name, schema, OpenApiParameter.PATH, description=description)


PATH = {
    "organization_slug": _path_parameter("organization_slug", "Slug or id of the organization."),
    "team_slug": _path_parameter("team_slug", "The organization's slug or id."),
    "project_slug": _path_parameter("project_slug", "Slug or id of the project."),
    "member_id": _path_parameter("member_id", "Id of the member.", f"^({ID})$"),
    "budget_id": _path_parameter("budget_id", "Id of the budget.", f"^({ID})$"),
    "filter_id": _path_parameter("filter_id", "Name of an inbound filter.", f"^({'|'.join(FILTERS)})$"),
    "public_key": _path_parameter("public_key", "32 hex digits.", ecma(HEX_PATTERN)),
}
"""By the names of the views' arguments."""

FieldErrors = Annotated[dict[str, list[str] | dict[str, Any]], More(minProperties=1)]


def refusal(description: str, hint: Any = Detail) -> OpenApiResponse:
    """Return an error's description; `hint` is the type of its body."""
    return OpenApiResponse(shape_of(hint), description)


REFUSALS = {
    400: refusal("A parameter cannot be obeyed; the detail says which."),
    404: refusal("There is no such object, or the caller has no access to its organization."),
    401: refusal("No credentials, or a token that is unknown, revoked or expired."),
    403: refusal("The token lacks the scope, or the user the role."),
    429: refusal("The token asked too often; Retry-After says when it may again. Only where API_RATE_LIMIT is set."),
    503: refusal("Redis or the database cannot be reached; Retry-After says when to come back."),
}
"""What any operation may answer."""

BODY_REFUSALS = {
    400: refusal("The body cannot be obeyed: a detail, or messages by the field.", Detail | FieldErrors),
    413: refusal("The body is too large."),
}
MOVED = refusal("The project has another slug now; Location and the body say where it is.", MovedAnswer)


def describe(
    operation_id: str,
    summary: str,
    answer: Any = None,
    *,
    status: int = 200,
    says: str = "Done.",
    csv: str = "",
    parameters: Sequence[OpenApiParameter] = (),
    body: Any = None,
    refusals: Mapping[int, OpenApiResponse] | None = None,
    **more: Any,
) -> Callable[[View], View]:
    """Describe the operation that a view's method answers.

    `answer` is the type of the successful answer, or None if that has no body, and `says` describes it. `csv` describes
    the same as CSV, where there is that. `body` is a serializer or a JSON schema. `refusals` are errors that only this
    operation has. `more` is passed to `extend_schema`.
    """

    def decorate(view: View) -> View:
        names = [name for name in inspect.signature(view).parameters if name in PATH]
        OPERATIONS[operation_id] = Operation(answer, frozenset(names))
        success = OpenApiResponse(None if answer is None else shape_of(answer), says)
        responses: dict[Any, Any] = {(status, "application/json") if csv else status: success, **REFUSALS}
        if csv:
            responses[status, "text/csv"] = OpenApiResponse(shape_of(str), csv)
        if body is not None:
            responses |= BODY_REFUSALS
        if "project_slug" in names:
            # After 308 a client sends the same request there, with its method and its body.
            responses[302 if view.__name__ == "get" else 308] = MOVED
        described: View = extend_schema(
            operation_id=operation_id,
            summary=summary,
            parameters=[*(PATH[name] for name in names), *parameters],
            request=None if body is None else {"application/json": body},
            responses={**responses, **(refusals or {})},
            **more,
        )(view)
        return described

    return decorate
