"""Reads. What a hot request needs comes from the cache, so that a known token or project touches no SQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from typing import Any, NamedTuple, TypeVar

from django.contrib.auth.models import AbstractBaseUser, User
from django.db.models import QuerySet
from redis.exceptions import ResponseError

from projects.cache import Ahead, cached
from projects.connections import get_store
from projects.models import (
    SCOPES,
    Environment,
    Membership,
    Organization,
    Project,
    ProjectKey,
    ProjectRedirect,
)
from tsdb.series import claim_key

_VIEWER = frozenset(("project:read", "org:read", "event:read"))
SCOPES_OF = {
    Membership.Role.VIEWER: _VIEWER,
    Membership.Role.MEMBER: _VIEWER | {"project:write", "event:write"},
    Membership.Role.OWNER: frozenset(SCOPES),
}
"""What a user may do in an organization, by the role there."""

# An id has one spelling, for the cache's sake. Beyond 18 digits there is none, and the database could not take it.
_REFERENCE = re.compile(r"[1-9][0-9]{0,17}|(?![0-9]+$)[a-z0-9_-]{1,100}")

_DROP_JUNK = """#!lua
if redis.call('TYPE', KEYS[1]).ok ~= 'string' or redis.call('GET', KEYS[1]) == ARGV[1] then
    redis.call('DEL', KEYS[1])
end
"""

T = TypeVar("T")


class FoundProject(NamedTuple):
    """`moved` says that it was asked for by a slug that it had before."""

    id: int
    organization: int
    slug: str
    moved: bool


class Access(NamedTuple):
    """What a user may do in an organization."""

    organization: int
    scopes: frozenset[str]


LARGEST_ID = 2**63 - 1
"""Beyond it the database takes none, and would fail instead of finding nothing."""


def is_id(found: object) -> bool:
    return type(found) is int and 0 < found <= LARGEST_ID


def _decode_project(found: Any) -> FoundProject | None:
    match found:
        case [number, organization, str(slug), bool(moved)] if is_id(number) and is_id(organization):
            return FoundProject(number, organization, slug, moved)
    return None


def _decode_environments(found: Any) -> dict[str, int] | None:
    return found if isinstance(found, dict) and all(map(is_id, found.values())) else None


def project_cache_key(organization: int, reference: str) -> str:
    return f"project:{organization}:{reference}"


def find_project(organization: int, reference: str, ahead: Ahead | None = None) -> FoundProject | None:
    """A project of the organization by its slug, its numeric id, or a slug that it had before."""
    # Not a slug and not an id: it must reach neither the cache nor the database.
    if not is_reference(reference):
        return None

    def load() -> FoundProject | None:
        projects = Project.objects.filter(organization_id=organization)
        row = projects.filter(**_by_reference(reference)).values_list("id", "slug").first()
        if row:
            return FoundProject(row[0], organization, row[1], moved=False)
        old = ProjectRedirect.objects.filter(organization_id=organization, slug=reference)
        row = old.values_list("project_id", "project__slug").first()
        return row and FoundProject(row[0], organization, row[1], moved=True)

    return cached(project_cache_key(organization, reference), load, _decode_project, ahead)


def project_slugs(organization: int) -> dict[int, str]:
    """The ids and slugs of the organization's projects, by slug."""
    return dict(Project.objects.filter(organization_id=organization).order_by("slug").values_list("id", "slug"))


def find_access(user: AbstractBaseUser, reference: str) -> Access | None:
    """What a user may do in the organization with that slug or id; None where the user has no part in it."""
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
    """What a user may do in each organization that the user has a part in."""
    if not isinstance(user, User):
        return []
    if user.is_superuser:
        return [Access(number, frozenset(SCOPES)) for number in Organization.objects.values_list("id", flat=True)]
    return [
        Access(membership.organization_id, SCOPES_OF[Membership.Role(membership.role)])
        for membership in Membership.objects.filter(user=user)
    ]


def get_organization(organization: int) -> Organization:
    """Raises Organization.DoesNotExist."""
    return Organization.objects.get(pk=organization)


def environments_cache_key(project: int) -> str:
    return f"environments:{project}"


def environments_of(project: int) -> dict[str, int]:
    """Names of the project's environments and their ids.

    It may lack one that was made this moment; who needs to be sure asks the database (services.environment_id).
    """
    return cached(environments_cache_key(project), lambda: load_environments(project), _decode_environments) or {}


def load_environments(project: int) -> dict[str, int]:
    return load_environments_of([project])[project]


def load_environments_of(projects: Collection[int]) -> dict[int, dict[str, int]]:
    """As load_environments, of many projects."""
    found: dict[int, dict[str, int]] = {project: {} for project in projects}
    rows = Environment.objects.filter(project_id__in=projects).order_by().values_list("project_id", "name", "id")
    for project, name, number in rows:
        found[project][name] = number
    return found


def environments_named(organization: int, name: str) -> dict[int, int]:
    """Of each project of the organization that has an environment of that name: project id and environment id."""
    if "\0" in name:  # PostgreSQL takes no NUL
        return {}
    rows = Environment.objects.filter(project__organization_id=organization, name=name)
    return dict(rows.values_list("project_id", "id"))


def find_key_ids(project: int, publics: Iterable[str]) -> dict[str, int]:
    """Those of the public keys that are the project's, with their ids."""
    publics = [public for public in publics if "\0" not in public]
    rows = ProjectKey.objects.filter(project_id=project, public__in=publics) if publics else ProjectKey.objects.none()
    return dict(rows.values_list("public", "id"))


def find_claim(project: int, claim: str, decode: Callable[[bytes], T | None]) -> T | None:
    """What the claim with that id was taken for, while it lasts. What `decode` does not know is junk, and goes."""
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
        # While it stands, the claim could not be taken.
        clients.write.eval(_DROP_JUNK, 1, key, found)
    return value


def projects_of(organization: int) -> QuerySet[Project]:
    return Project.objects.filter(organization=organization).select_related("organization").order_by("slug")


def is_reference(text: str) -> bool:
    return _REFERENCE.fullmatch(text) is not None


def _by_reference(reference: str) -> dict[str, str | int]:
    return {"id": int(reference)} if reference.isdigit() else {"slug": reference}
