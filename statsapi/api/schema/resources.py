"""What the OpenAPI document says of organizations, projects and keys."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from projects.models import HEX_PATTERN, LONGEST_QUOTA_WINDOW, SLUG_PATTERN
from statsapi.api.resources.fields import PRINTABLE
from statsapi.api.resources.pagination import MOST_PER_PAGE
from statsapi.api.schema.common import BODY_ERRORS, ERRORS, KEY_PATH, MOVED, MOVED_WRITE, PATH, error, path_parameter

_STRING = {"type": "string"}
_NULLABLE = {"type": ["string", "null"]}
_DATE = {"type": "string", "format": "date-time"}
_SLUG = {"type": "string", "pattern": SLUG_PATTERN.replace(r"\Z", "$")}
_HEX = {"type": "string", "pattern": HEX_PATTERN.replace(r"\Z", "$")}
_STRINGS = {"type": "array", "items": _STRING}
_FLAG = {"type": "boolean"}


def _object(required: bool = True, **properties: Any) -> dict[str, Any]:
    shape: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        shape["required"] = list(properties)
    return shape


def _listed(shape: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": shape}


_AVATAR = _object(avatarType=_STRING, avatarUuid=_NULLABLE)
_ORGANIZATION = _object(
    id=_STRING,
    slug=_STRING,
    name=_STRING,
    dateCreated=_DATE,
    status=_object(id=_STRING, name=_STRING),
    avatar=_AVATAR,
    isEarlyAdopter=_FLAG,
    require2FA=_FLAG,
    features=_STRINGS,
    links=_object(organizationUrl=_STRING, regionUrl=_STRING),
)
_TEAM_OF_PROJECT = _object(id=_STRING, slug=_STRING, name=_STRING)
_TEAM = _object(
    id=_STRING,
    slug=_STRING,
    name=_STRING,
    dateCreated=_DATE,
    isMember=_FLAG,
    hasAccess=_FLAG,
    isPending=_FLAG,
    memberCount={"type": "integer"},
    avatar=_AVATAR,
)
_PROJECT = _object(
    id=_STRING,
    slug=_STRING,
    name=_STRING,
    platform=_NULLABLE,
    dateCreated=_DATE,
    isBookmarked=_FLAG,
    isMember=_FLAG,
    hasAccess=_FLAG,
    features=_STRINGS,
    firstEvent=_NULLABLE,
    status=_STRING,
    team=_TEAM_OF_PROJECT,
    teams=_listed(_TEAM_OF_PROJECT),
    platforms=_STRINGS,
)
_NESTED = _object(**_PROJECT["properties"], organization=_ORGANIZATION)
_LIMIT_RANGE = {"minimum": 0, "type": "integer"}
_KEY = _object(
    id=_HEX,
    name=_STRING,
    label=_STRING,
    public=_HEX,
    secret={**_HEX, "type": ["string", "null"], "description": "null for a user who may only look."},
    projectId={"type": "integer"},
    isActive=_FLAG,
    rateLimit={**_object(window=_LIMIT_RANGE, count=_LIMIT_RANGE), "type": ["object", "null"]},
    dsn=_object(public=_STRING, secret=_NULLABLE, csp=_STRING, security=_STRING),
    dateCreated=_DATE,
)

_PAGES = [
    OpenApiParameter("per_page", {"type": "integer", "minimum": 1, "maximum": MOST_PER_PAGE, "default": MOST_PER_PAGE}),
    OpenApiParameter(
        "cursor",
        {"type": "string", "pattern": "^([0-9]{1,18}:[0-9]{1,9}:[01])?$"},
        description="Of a `Link` header: `0:100:0`.",
    ),
]
_ORGANIZATION_PATH = PATH[:1]


def _endpoint(
    operation: str, summary: str, shape: dict[str, Any] | None, *, status: int = 200, **more: Any
) -> dict[str, Any]:
    answer = OpenApiResponse(shape, "Done.") if shape else OpenApiResponse(None, "Gone.")
    responses = {status: answer, **ERRORS}
    if "request" in more:
        responses |= BODY_ERRORS
    if PATH[1] in more.get("parameters", ()):
        responses |= MOVED_WRITE if "request" in more or shape is None else MOVED
    responses |= more.pop("responses", {})
    return {"operation_id": operation, "summary": summary, "responses": responses, **more}


def _body(required: list[str], **properties: Any) -> dict[str, Any]:
    shape = _object(required=False, **properties)
    return {"application/json": {**shape, "required": required} if required else shape}


_PRINTABLE = {"type": "string", "pattern": PRINTABLE.replace(r"\Z", "$")}
_NAME = {**_PRINTABLE, "maxLength": 50}
_PLATFORM = {"anyOf": [_NAME, {"enum": ["", None]}]}
_PROJECT_BODY = _body(["name"], name=_NAME, slug=_SLUG, platform=_PLATFORM)
_KEY_FIELDS = {
    "name": {**_PRINTABLE, "maxLength": 64},
    "rateLimit": {
        **_object(
            count={"type": "integer", "minimum": 0, "maximum": 2**31 - 1},
            window={"type": "integer", "minimum": 0, "maximum": LONGEST_QUOTA_WINDOW},
        ),
        "type": ["object", "null"],
        "description": "At most `count` errors in `window` seconds; a window of 0, or null: no limit.",
    },
    "isActive": _FLAG,
}
_TAKEN = {409: error("The slug is taken.")}

ROOT = _endpoint(
    "retrieve_caller",
    "Who is asking",
    _object(
        version=_STRING,
        auth={**_object(scopes=_STRINGS), "type": ["object", "null"]},
        user={**_object(id=_STRING, email=_STRING, name=_STRING), "type": ["object", "null"]},
    ),
    auth=[{}, {"bearer": []}],
)
ORGANIZATIONS = _endpoint("list_organizations", "List organizations", _listed(_ORGANIZATION), parameters=_PAGES)
ORGANIZATION = _endpoint(
    "retrieve_organization",
    "Retrieve an organization",
    _object(**_ORGANIZATION["properties"], teams=_listed(_TEAM), projects=_listed(_PROJECT)),
    parameters=_ORGANIZATION_PATH,
)
TEAMS = _endpoint(
    "list_teams", "List the organization's one team", _listed(_TEAM), parameters=[*_ORGANIZATION_PATH, *_PAGES]
)
PROJECTS = _endpoint("list_projects", "List projects", _listed(_NESTED), parameters=_PAGES)
ORGANIZATION_PROJECTS = _endpoint(
    "list_organization_projects",
    "List an organization's projects",
    _listed(_PROJECT),
    parameters=[*_ORGANIZATION_PATH, *_PAGES],
)
_TEAM_PATH = [
    *_ORGANIZATION_PATH,
    path_parameter("team_slug", "The organization's slug or id."),
]
TEAM_PROJECTS = {
    **ORGANIZATION_PROJECTS,
    "operation_id": "list_team_projects",
    "parameters": [*_TEAM_PATH, *_PAGES],
}
CREATE_PROJECT = _endpoint(
    "create_project",
    "Create a project with a first key",
    _NESTED,
    status=201,
    parameters=_ORGANIZATION_PATH,
    request=_PROJECT_BODY,
    responses=_TAKEN,
)
CREATE_TEAM_PROJECT = {**CREATE_PROJECT, "operation_id": "create_team_project", "parameters": _TEAM_PATH}
PROJECT = _endpoint("retrieve_project", "Retrieve a project", _NESTED, parameters=PATH)
CHANGE_PROJECT = _endpoint(
    "change_project",
    "Change a project",
    _NESTED,
    parameters=PATH,
    request=_body([], name=_NAME, slug=_SLUG, platform=_PLATFORM),
    responses=_TAKEN,
)
DELETE_PROJECT = _endpoint("delete_project", "Delete a project and its counts", None, status=204, parameters=PATH)
MERGE_PROJECT = _endpoint(
    "merge_project",
    "Move all counts of a project into another",
    _object(into=_STRING, series={"type": "integer"}),
    parameters=PATH,
    request=_body(["into"], into={**_STRING, "description": "Slug or id of a project of the same organization."}),
)
KEYS = _endpoint("list_keys", "List a project's keys", _listed(_KEY), parameters=[*PATH, *_PAGES])
CREATE_KEY = _endpoint(
    "create_key",
    "Create a key",
    _KEY,
    status=201,
    parameters=PATH,
    request=_body([], **_KEY_FIELDS, public=_HEX, secret=_HEX),
    responses={409: error("The public key is in use.")},
)
KEY = _endpoint("retrieve_key", "Retrieve a key", _KEY, parameters=KEY_PATH)
CHANGE_KEY = _endpoint("change_key", "Change a key", _KEY, parameters=KEY_PATH, request=_body([], **_KEY_FIELDS))
DELETE_KEY = _endpoint("delete_key", "Delete a key", None, status=204, parameters=KEY_PATH)
