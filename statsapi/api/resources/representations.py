"""Objects in JSON, as Sentry's clients expect them.

Fields for what this service does not have (teams, features, avatars) have a value that says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, TypedDict
from urllib.parse import urlsplit

from django.conf import settings

from projects import models
from projects.dsn import dsn
from statsapi.api.shapes import Count, Date, Hex, More


class Status(TypedDict):
    """Whether an organization is active, which every one is."""

    id: str
    name: str


class Avatar(TypedDict):
    """The picture of an organization, a team or a person: letters, always."""

    avatarType: str
    avatarUuid: str | None


LETTERS: Avatar = {"avatarType": "letter_avatar", "avatarUuid": None}


class Links(TypedDict):
    """Where the organization is served."""

    organizationUrl: str
    regionUrl: str


class Organization(TypedDict):
    """An organization, as it is listed."""

    id: str
    slug: str
    name: str
    dateCreated: Date
    status: Status
    avatar: Avatar
    isEarlyAdopter: bool
    require2FA: bool
    requireEmailVerification: bool
    features: list[str]
    links: Links


class Team(TypedDict):
    """The one team that every organization has for Sentry's clients."""

    id: str
    slug: str
    name: str
    dateCreated: Date
    isMember: bool
    hasAccess: bool
    isPending: bool
    memberCount: int
    avatar: Avatar


class TeamOfProject(TypedDict):
    """The team of a project."""

    id: str
    slug: str
    name: str


class Project(TypedDict):
    """A project, as an organization's projects are listed."""

    id: str
    slug: str
    name: str
    platform: str | None
    dateCreated: Date
    isBookmarked: bool
    isMember: bool
    hasAccess: bool
    features: list[str]
    firstEvent: str | None
    status: str
    team: TeamOfProject
    teams: list[TeamOfProject]
    platforms: list[str]


class ProjectWithOrganization(Project):
    """A project in a list over organizations."""

    organization: Organization


class ProjectDetails(ProjectWithOrganization):
    """A project by itself. `options` are the lists of its inbound filters, each a text with an entry a line."""

    options: dict[str, str]


class OrganizationDetails(Organization):
    """An organization by itself."""

    teams: list[Team]
    projects: list[Project]


class TeamWithOrganization(Team):
    """The one team of an organization by itself."""

    organization: Organization


class NamedEnvironment(TypedDict):
    """An environment, as those of all projects are listed: each name once."""

    id: str
    name: str


class Environment(NamedEnvironment):
    """An environment of a project."""

    isHidden: bool


class RateLimit(TypedDict):
    """The quota of a key: at most `count` errors in `window` seconds."""

    window: Count
    count: Count


class Dsn(TypedDict):
    """The addresses to which SDKs and browsers send with a key."""

    public: str
    secret: str | None
    csp: str
    security: str


class Key(TypedDict):
    """A key of a project."""

    id: Hex
    name: str
    label: str
    public: Hex
    secret: Annotated[Hex | None, More(description="null for a user who may only look.")]
    projectId: int
    isActive: bool
    rateLimit: RateLimit | None
    dsn: Dsn
    dateCreated: Date


def date(moment: datetime) -> str:
    """Return a moment as `2018-11-06T21:19:55.101Z`."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def organization(row: models.Organization) -> Organization:
    """Return an organization as it is listed."""
    return {
        "id": str(row.pk),
        "slug": row.slug,
        "name": row.name,
        "dateCreated": date(row.created),
        "status": {"id": "active", "name": "active"},
        "avatar": LETTERS,
        "isEarlyAdopter": False,
        "require2FA": False,
        "requireEmailVerification": False,
        "features": [],
        "links": {"organizationUrl": settings.PUBLIC_URL, "regionUrl": settings.PUBLIC_URL},
    }


def organization_details(
    row: models.Organization, projects: Iterable[models.Project], firsts: Mapping[int, int]
) -> OrganizationDetails:
    """Return an organization with its team and its projects. `firsts` are as for `project`."""
    return {**organization(row), "teams": [team(row)], "projects": [project(one, firsts) for one in projects]}


def team(row: models.Organization) -> Team:
    """Return the one team of an organization."""
    return {
        **team_of_project(row),
        "dateCreated": date(row.created),
        "isMember": True,
        "hasAccess": True,
        "isPending": False,
        "memberCount": 1,
        "avatar": LETTERS,
    }


def team_with_organization(row: models.Organization) -> TeamWithOrganization:
    """Return the one team of an organization as it stands by itself."""
    return {**team(row), "organization": organization(row)}


def named_environment(row: models.Environment) -> NamedEnvironment:
    """Return an environment as those of all projects are listed."""
    return {"id": str(row.pk), "name": row.name}


def environment(row: models.Environment) -> Environment:
    """Return an environment of a project."""
    return {"id": str(row.pk), "name": row.name, "isHidden": False}


def team_of_project(row: models.Organization) -> TeamOfProject:
    """Return the one team of an organization as its projects show it."""
    return {"id": str(row.pk), "slug": row.slug, "name": row.name}


def project(row: models.Project, firsts: Mapping[int, int]) -> Project:
    """Return a project as it stands in its organization.

    `firsts` has the seconds since the epoch at which the first events of projects came, by the projects' ids.
    """
    first = firsts.get(row.pk)
    of_team = team_of_project(row.organization)
    return {
        "id": str(row.pk),
        "slug": row.slug,
        "name": row.name,
        "platform": row.platform or None,
        "dateCreated": date(row.created),
        "isBookmarked": False,
        "isMember": True,
        "hasAccess": True,
        "features": [],
        "firstEvent": None if first is None else date(datetime.fromtimestamp(first, UTC)),
        "status": "active",
        "team": of_team,
        "teams": [of_team],
        "platforms": [row.platform] if row.platform else [],
    }


def project_with_organization(row: models.Project, firsts: Mapping[int, int]) -> ProjectWithOrganization:
    """Return a project as it stands by itself and in lists over organizations. `firsts` are as for `project`."""
    return {**project(row, firsts), "organization": organization(row.organization)}


def key(row: models.ProjectKey, *, with_secret: bool) -> Key:
    """Return a key.

    Without `with_secret`, what would show its secret half is None, because that counts events in the project's name.
    """
    url = urlsplit(settings.PUBLIC_URL)
    base = f"{settings.PUBLIC_URL}/api/{row.project_id}"
    secret_dsn = f"{url.scheme}://{row.public}:{row.secret}@{url.netloc}{url.path}/{row.project_id}"
    return {
        "id": row.public,
        "name": row.label,
        "label": row.label,
        "public": row.public,
        "secret": row.secret if with_secret else None,
        "projectId": row.project_id,
        "isActive": row.active,
        "rateLimit": quota(row),
        "dsn": {
            "public": dsn(row.public, row.project_id),
            "secret": secret_dsn if with_secret else None,
            "csp": f"{base}/csp-report/?sentry_key={row.public}",
            "security": f"{base}/security/?sentry_key={row.public}",
        },
        "dateCreated": date(row.created),
    }


def quota(row: models.ProjectKey) -> RateLimit | None:
    """Return the quota of a key; None if it has none."""
    if row.rate_limit_count is None or row.rate_limit_window is None:
        return None
    return {"window": row.rate_limit_window, "count": row.rate_limit_count}
