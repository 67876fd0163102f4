"""Reads. All of them ask the database. What frequent requests need is kept in memory by projects/known.py."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from typing import Any, NamedTuple, TypeVar

from django.contrib.auth.models import AbstractBaseUser, User
from django.db.models import QuerySet
from redis.exceptions import ResponseError

from projects.connections import get_store
from projects.models import (
    SCOPES,
    SLUG,
    ApiToken,
    Budget,
    Environment,
    Membership,
    Organization,
    Project,
    ProjectFilters,
    ProjectKey,
    ProjectRedirect,
)
from tsdb import budgets
from tsdb.series import claim_key

_VIEWER = frozenset(("project:read", "org:read", "event:read"))
SCOPES_OF = {
    Membership.Role.VIEWER: _VIEWER,
    Membership.Role.MEMBER: _VIEWER | {"project:write", "event:write"},
    Membership.Role.OWNER: frozenset(SCOPES),
}
"""The scopes of a user in an organization, by the user's role there."""

# An id has exactly one spelling, so that it is kept in memory once. No id has more than 18 digits,
# and the database could not take a longer one.
_REFERENCE = re.compile(f"[1-9][0-9]{{0,17}}|{SLUG}")

_DROP_JUNK = """#!lua
if redis.call('TYPE', KEYS[1]).ok ~= 'string' or redis.call('GET', KEYS[1]) == ARGV[1] then
    redis.call('DEL', KEYS[1])
end
"""

T = TypeVar("T")


class Token(NamedTuple):
    """A token that is not revoked. It may have expired.

    `expires` and `last_used` are in seconds since the epoch. None means never.
    """

    id: int
    organization: int
    organization_slug: str
    scopes: tuple[str, ...]
    expires: int | None
    last_used: int | None


class FoundProject(NamedTuple):
    """A project. `moved` is true if it was asked for by an earlier slug."""

    id: int
    organization: int
    slug: str
    moved: bool


class ProjectName(NamedTuple):
    """The id, the slug and the name of a project."""

    id: int
    slug: str
    name: str


class Access(NamedTuple):
    """The scopes that a user has in an organization."""

    organization: int
    scopes: frozenset[str]


LARGEST_ID = 2**63 - 1
"""The largest id. For a larger one a query would fail instead of finding nothing."""


def organization_of_token(digest: str) -> int | None:
    """Return the id of the organization of the token with this digest, or None if it is unknown or revoked."""
    return ApiToken.objects.filter(digest=digest, revoked=None).values_list("organization_id", flat=True).first()


def find_token(digest: str) -> Token | None:
    """Return the token with this digest, or None if it is unknown or revoked."""
    row = ApiToken.objects.select_related("organization").filter(digest=digest, revoked=None).first()
    if row is None:
        return None
    return Token(
        row.pk,
        row.organization_id,
        row.organization.slug,
        tuple(row.scopes),
        int(row.expires.timestamp()) if row.expires else None,
        int(row.last_used.timestamp()) if row.last_used else None,
    )


def find_project(organization: int, reference: str) -> FoundProject | None:
    """Return the project of the organization with this slug, id or earlier slug, or None if there is none."""
    if not is_reference(reference):
        return None
    projects = Project.objects.filter(organization_id=organization)
    row = projects.filter(**_by_reference(reference)).values_list("id", "slug").first()
    if row:
        return FoundProject(row[0], organization, row[1], moved=False)
    old = ProjectRedirect.objects.filter(organization_id=organization, slug=reference)
    row = old.values_list("project_id", "project__slug").first()
    return row and FoundProject(row[0], organization, row[1], moved=True)


def project_slugs(organization: int) -> dict[int, str]:
    """Return the slug of each project of the organization by the project's id, in the order of the slugs."""
    return dict(Project.objects.filter(organization_id=organization).order_by("slug").values_list("id", "slug"))


def project_names(organization: int) -> list[ProjectName]:
    """Return the name of each project of the organization, in the order of the slugs."""
    rows = Project.objects.filter(organization_id=organization).order_by("slug").values_list("id", "slug", "name")
    return [ProjectName(*row) for row in rows]


def find_access(user: AbstractBaseUser, reference: str) -> Access | None:
    """Return the user's scopes in the organization with this slug or id.

    Returns None if there is no such organization or the user is not a member. A superuser has every scope everywhere.
    """
    if not is_reference(reference):
        return None
    organization = Organization.objects.filter(**_by_reference(reference)).first()
    if organization is None or not isinstance(user, User):
        return None
    if user.is_superuser:
        return Access(organization.pk, frozenset(SCOPES))
    membership = Membership.objects.filter(user=user, organization=organization).first()
    if membership is None:
        return None
    return Access(organization.pk, SCOPES_OF[Membership.Role(membership.role)])


def find_accesses(user: AbstractBaseUser) -> list[Access]:
    """Return the user's scopes in each organization that the user is a member of; for a superuser, in all of them."""
    if not isinstance(user, User):
        return []
    if user.is_superuser:
        return [Access(number, frozenset(SCOPES)) for number in Organization.objects.values_list("id", flat=True)]
    return [
        Access(membership.organization_id, SCOPES_OF[Membership.Role(membership.role)])
        for membership in Membership.objects.filter(user=user)
    ]


def get_organization(organization: int) -> Organization:
    """Return the organization with this id. Raises Organization.DoesNotExist."""
    return Organization.objects.get(pk=organization)


def token_name(token: int) -> str:
    """Return how the history names the token with this id, such as “token Grafana …a1b2”."""
    row = ApiToken.objects.filter(pk=token).first()
    return name_of_token(row) if row else "a token that is deleted"


def name_of_token(row: ApiToken) -> str:
    """Return how others see a token, such as “token Grafana …a1b2”."""
    return f"token {row.name} …{row.last_four}" if row.name else f"token …{row.last_four}"


def load_environments(project: int) -> dict[str, int]:
    """Return the names of the project's environments with their ids, from the database."""
    return load_environments_of([project])[project]


def load_environments_of(projects: Collection[int]) -> dict[int, dict[str, int]]:
    """Return the environments of each of these projects, as load_environments does for one. One query."""
    found: dict[int, dict[str, int]] = {project: {} for project in projects}
    rows = Environment.objects.filter(project_id__in=projects).order_by().values_list("project_id", "name", "id")
    for project, name, number in rows:
        found[project][name] = number
    return found


def environments_named(organization: int, name: str) -> dict[int, int]:
    """Return the ids of the organization's projects that have an environment of this name.

    The value of each is the id of the environment in that project.
    """
    if "\0" in name:  # PostgreSQL takes no NUL
        return {}
    rows = Environment.objects.filter(project__organization_id=organization, name=name)
    return dict(rows.values_list("project_id", "id"))


def find_key_ids(project: int, publics: Iterable[str]) -> dict[str, int]:
    """Return the id of each public key that belongs to the project, by the public key. Other keys are left out."""
    publics = [public for public in publics if "\0" not in public]
    rows = ProjectKey.objects.filter(project_id=project, public__in=publics) if publics else ProjectKey.objects.none()
    return dict(rows.values_list("public", "id"))


def find_claim(project: int, claim: str, decode: Callable[[bytes], T | None]) -> T | None:
    """Return what `decode` makes of the value stored with a claim, or None if there is no such claim (any more).

    `decode` returns None for a value that it does not understand. Such a value is junk and is deleted.
    """
    clients, key = get_store().clients, claim_key(project, claim)
    try:
        found: Any = clients.read.get(key)
    except ResponseError as error:
        if not str(error).startswith("WRONGTYPE"):
            raise
        found = b""
    if found is None:
        return None
    value = decode(found)
    if value is None:
        # As long as the junk is there, nobody could take the claim.
        clients.write.eval(_DROP_JUNK, 1, key, found)
    return value


def filters_of(project: int) -> ProjectFilters:
    """Return the inbound filters of the project. If they were never set, they are all off, and not saved."""
    return ProjectFilters.objects.filter(pk=project).first() or ProjectFilters(project_id=project)


def budgets_of(project: int) -> list[budgets.Budget]:
    """Return the budgets of the project as plain values, the oldest first."""
    return budgets_of_many([project]).get(project, [])


def budgets_of_many(projects: Iterable[int]) -> dict[int, list[budgets.Budget]]:
    """Return the budgets of each of these projects that has some, by the project's id. One query."""
    found: dict[int, list[budgets.Budget]] = {}
    rows = Budget.objects.filter(project_id__in=projects)
    for project, *row in rows.values_list("project_id", "id", "category", "limit", "window"):
        found.setdefault(project, []).append(budgets.Budget._make(row))
    return found


def projects_of(organization: int) -> QuerySet[Project]:
    """Return the organization's projects in the order of their slugs, each with its organization loaded."""
    return Project.objects.filter(organization=organization).select_related("organization").order_by("slug")


def is_reference(text: str) -> bool:
    """Return whether the text is a slug or an id, and not something that is never one."""
    return _REFERENCE.fullmatch(text) is not None


def _by_reference(reference: str) -> dict[str, str | int]:
    return {"id": int(reference)} if reference.isdigit() else {"slug": reference}
