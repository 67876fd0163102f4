"""Writes. Each is one transaction that also marks what the cache holds of it (projects/cache.py)."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NamedTuple

from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction
from redis.exceptions import RedisError

from projects import selectors
from projects.cache import ENTRY_SECONDS, Ahead, cached, forget
from projects.connections import get_store
from projects.models import (
    SCOPES,
    ApiToken,
    Environment,
    Membership,
    Organization,
    Project,
    ProjectFilters,
    ProjectKey,
    ProjectRedirect,
)
from tsdb.series import Series, parse_environment
from tsdb.series import environment as environment_series
from tsdb.store import Claim, Increment, ProjectClosed

log = logging.getLogger(__name__)

COUNT_TRIES = 5
"""A change or deletion may close a project again before it is counted into; so often in a row, somebody is at fault."""

MOST_ENVIRONMENTS = 100
OTHER_ENVIRONMENT = "other"
LAST_USED_SECONDS = 3600
"""How coarsely a token's last use is kept: one write to the database in that time."""


class Unsettled(RedisError):
    """The project was closed before every try to count; nothing was counted, and it can be tried again."""


class NewToken(NamedTuple):
    """`secret` is shown once; nothing keeps it."""

    token: ApiToken
    secret: str

    def __repr__(self) -> str:
        return f"<NewToken {self.token}>"


# --- organizations and projects ------------------------------------------------------------------------------


def create_organization(*, slug: str, name: str) -> Organization:
    """Raises ValidationError."""
    organization = Organization(slug=slug, name=name)
    organization.full_clean()
    organization.save()
    return organization


@transaction.atomic
def update_organization(*, organization: Organization) -> None:
    """Saves a changed organization; its tokens carry its slug."""
    organization.full_clean()
    organization.save()
    forget(_token_keys(organization.tokens.all()))


@transaction.atomic
def delete_organizations(organizations: Iterable[Organization]) -> int:
    """Deletes them with all their projects and counts; returns how many keys of Redis went."""
    numbers = [organization.pk for organization in organizations]
    # A rename locks its project before its organization, and so does this.
    gone = delete_projects(Project.objects.filter(organization__in=numbers))
    # From here on nothing can be made in them. What was made meanwhile goes too: it would be counted into for ever.
    list(Organization.objects.select_for_update().filter(pk__in=numbers).order_by("pk"))
    gone += delete_projects(Project.objects.filter(organization__in=numbers))
    forget(_token_keys(ApiToken.objects.filter(organization__in=numbers)))
    Organization.objects.filter(pk__in=numbers).delete()
    return gone


def delete_organization(*, organization: Organization) -> int:
    """The same of one."""
    return delete_organizations([organization])


@transaction.atomic
def create_project(*, organization: Organization, slug: str, name: str, platform: str = "") -> Project:
    """A project with a first key. Raises ValidationError."""
    project = Project(organization=organization, slug=slug, name=name, platform=platform)
    project.full_clean()
    project.save()
    if get_store().version(project.pk) is not None:
        # Counts of a project with the same id, in a Redis that outlived its database.
        get_store().delete([project.pk])
    _take_slug(project)
    ProjectKey.objects.create(project=project)
    return project


@contextmanager
def changing_project(number: int) -> Iterator[Project]:
    """Holds the project for a change that depends on what stands there, or in its keys. Raises Project.DoesNotExist."""
    with transaction.atomic():
        rows = Project.objects.select_for_update(of=("self",)).select_related("organization")
        yield rows.get(pk=number)


@transaction.atomic
def update_project(*, project: Project) -> None:
    """Saves a changed project. Its old slug, when it has a new one, leads to it until it is taken again."""
    old = Project.objects.select_for_update().get(pk=project.pk)
    project.full_clean()
    project.save()
    if old.slug != project.slug:
        forget(_project_keys(old))
        _take_slug(project)
        ProjectRedirect.objects.create(organization=project.organization, slug=old.slug, project=project)


@transaction.atomic
def delete_projects(projects: Iterable[Project]) -> int:
    """Deletes them and their counts; returns how many keys of Redis went.

    Raises Project.DoesNotExist, and deletes nothing, where one of them is gone already.

    The counts go before the commit: where Redis does not answer, nothing is deleted and the call can be made again.
    They cannot come back meanwhile, because only open_project lets them, which waits for this transaction's locks.
    """
    numbers = sorted(project.pk for project in projects)
    rows = list(Project.objects.select_for_update().filter(pk__in=numbers).order_by("pk"))
    if len(rows) < len(numbers):
        raise Project.DoesNotExist
    for row in rows:
        forget(_project_keys(row))
    Project.objects.filter(pk__in=numbers).delete()
    return get_store().delete(numbers)


def delete_project(*, project: Project) -> int:
    """The same of one."""
    return delete_projects([project])


def open_project(project: int) -> str:
    """Lets the store count into the project; returns its version there. Raises Project.DoesNotExist."""
    Project.objects.get(pk=project)  # a flood of unknown ids must not queue for the lock below
    with transaction.atomic():
        # The lock makes this wait for a change or deletion under way, and those wait for this: a version that is given
        # out stands for rows that were read after it, and a deleted project stays closed.
        Project.objects.select_for_update().get(pk=project)
        return get_store().open(project)


@transaction.atomic
def save_intake(project: Project, *changed: ProjectKey | ProjectFilters) -> None:
    """Saves what decides on the project's events: its keys or filters. Obeyed at the next event.

    Raises ValidationError.
    """
    Project.objects.select_for_update().get(pk=project.pk)
    for row in changed:
        row.full_clean()
        row.save()
    get_store().close(project.pk)


@transaction.atomic
def delete_keys(keys: Iterable[ProjectKey]) -> None:
    """Deletes keys; what they counted stays."""
    for key in keys:
        Project.objects.select_for_update().get(pk=key.project_id)
        key.delete()
        get_store().close(key.project_id)


def count(project: int, increments: Sequence[Increment], *, now: int, claim: Claim | None = None) -> bool:
    """Counts increments of one project, all or none; False: the claim had been counted before.

    Raises Project.DoesNotExist, tsdb.store.ClaimConflict, ValueError, redis.exceptions.RedisError.
    """
    store = get_store()
    for _ in range(COUNT_TRIES):
        try:
            return store.incr_multi(increments, now=now, claim=claim)
        except ProjectClosed:
            open_project(project)
    raise Unsettled("the project changes too often")


def merge_projects(*, source: int, destination: int) -> int:
    """Moves every count of the source into the destination; returns how many series were moved.

    Interrupted and run again, it goes on where it stopped: nothing is lost and nothing is doubled. What arrives for the
    source meanwhile stays with it or comes along. Keys stay with their project, and so does what was ever counted of
    each (the running totals). Raises Project.DoesNotExist.
    """
    store = get_store()
    open_project(destination)
    open_project(source)
    found = store.series_of(source)
    names = {number: name for name, number in selectors.load_environments(source).items()}
    for name in found:
        into = name
        environment = parse_environment(name)
        if environment is not None:
            into = environment_series(destination, environment_id(destination, names[environment])).name
        _merge(Series(destination, into), Series(source, name))
    return len(found)


def _merge(destination: Series, source: Series) -> None:
    gone: set[int] = set()
    for _ in range(COUNT_TRIES):
        try:
            return get_store().merge(destination, [source], gone=gone)
        except ProjectClosed as closed:
            for project in closed.projects:
                try:
                    open_project(project)
                except Project.DoesNotExist:
                    if project in (destination.project, source.project):
                        raise
                    gone.add(project)  # where an interrupted move wanted to go
    raise Unsettled("a project changes too often")


# --- keys and environments -----------------------------------------------------------------------------------


def create_key(*, project: Project, label: str = "Default") -> ProjectKey:
    """Raises ValidationError."""
    key = ProjectKey(project=project, label=label)
    save_intake(project, key)
    return key


def environment_id(project: int, name: str) -> int:
    """The id of the project's environment, made on first sight; beyond the first 100 they share one, `other`.

    Raises Project.DoesNotExist.
    """
    known = selectors.environments_of(project)
    if name not in known and len(known) > MOST_ENVIRONMENTS:
        name = OTHER_ENVIRONMENT
    if name in known:
        return known[name]
    with transaction.atomic():
        # The lock keeps two first sights from passing the limit together.
        Project.objects.select_for_update().get(pk=project)
        known = selectors.load_environments(project)
        if name not in known:
            full = len(known.keys() - {OTHER_ENVIRONMENT}) >= MOST_ENVIRONMENTS
            name = OTHER_ENVIRONMENT if full else name
        if name not in known:
            known[name] = Environment.objects.create(project_id=project, name=name).pk
    # Environments only ever come, so an older list in the cache costs one more look, never a wrong id.
    cache.set(selectors.environments_cache_key(project), known, ENTRY_SECONDS)
    return known[name]


# --- tokens --------------------------------------------------------------------------------------------------


def create_token(
    *, organization: Organization, scopes: Iterable[str], name: str = "", expires: datetime | None = None
) -> NewToken:
    """Raises ValidationError for a scope that does not exist."""
    wanted = [scope for scope in SCOPES if scope in set(scopes)]
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not wanted:
        raise ValidationError(f"Unknown scope {', '.join(unknown) or '(none)'}; there are {', '.join(SCOPES)}.")
    secret = selectors.TOKEN_PREFIX + secrets.token_urlsafe(32)
    token = ApiToken(
        organization=organization,
        name=name,
        scopes=wanted,
        expires=expires,
        digest=selectors.digest_of(secret),
        last_four=secret[-4:],
    )
    token.full_clean()
    token.save()
    return NewToken(token, secret)


@transaction.atomic
def update_token(*, token: ApiToken) -> None:
    """Saves changed scopes, name or expiry."""
    forget(_token_keys([token]))
    token.full_clean()
    token.save()


@transaction.atomic
def revoke_tokens(tokens: Iterable[ApiToken]) -> int:
    """Revokes those that are not yet; returns how many."""
    tokens = list(tokens)
    forget(_token_keys(tokens))
    open_tokens = ApiToken.objects.filter(pk__in=[token.pk for token in tokens], revoked=None)
    return open_tokens.update(revoked=datetime.now(UTC))


@transaction.atomic
def rotate_token(*, token: ApiToken) -> NewToken:
    """Revokes the token and makes another of the same name, scopes and expiry."""
    revoke_tokens([token])
    return create_token(organization=token.organization, scopes=token.scopes, name=token.name, expires=token.expires)


@transaction.atomic
def delete_tokens(tokens: Iterable[ApiToken]) -> None:
    tokens = list(tokens)
    forget(_token_keys(tokens))
    ApiToken.objects.filter(pk__in=[token.pk for token in tokens]).delete()


def use_token(secret: str, *, now: int, ahead: Ahead | None = None) -> selectors.Token | None:
    """The token with that secret; None: unknown or revoked. `now` in seconds since the epoch.

    That it was used is noted when it is read from the database, which the cache makes rare.
    """
    if not secret.startswith(selectors.TOKEN_PREFIX):
        return None
    digest = selectors.digest_of(secret)

    def load() -> selectors.Token | None:
        token = selectors.load_token(digest)
        if token and (token.last_used is None or now - token.last_used >= LAST_USED_SECONDS):
            _note_use(token, now)
        return token

    found = cached(selectors.token_cache_key(digest), load, ahead)
    if not found:
        return None
    token = selectors.Token(*found)
    selectors.note_organization(digest, token.organization)
    return token


def _note_use(token: selectors.Token, now: int) -> None:
    try:
        ApiToken.objects.filter(pk=token.id).update(last_used=datetime.fromtimestamp(now, UTC))
    except DatabaseError:  # no reason to refuse the request
        log.warning("the last use of token %d was not noted", token.id, exc_info=True)


# --- memberships ---------------------------------------------------------------------------------------------


def add_member(*, organization: Organization, user_id: int, role: str = Membership.Role.MEMBER) -> Membership:
    membership = Membership(organization=organization, user_id=user_id, role=role)
    membership.full_clean()
    membership.save()
    return membership


# --- helpers -------------------------------------------------------------------------------------------------


def _take_slug(project: Project) -> None:
    """From now on the slug is the project's own, wherever it led before."""
    ProjectRedirect.objects.filter(organization=project.organization, slug=project.slug).delete()
    forget(_project_keys(project))


def _project_keys(project: Project) -> list[str]:
    references = [str(project.pk), project.slug, *project.redirects.values_list("slug", flat=True)]
    return [selectors.project_cache_key(project.organization_id, reference) for reference in references]


def _token_keys(tokens: Iterable[ApiToken]) -> list[str]:
    return [selectors.token_cache_key(token.digest) for token in tokens]
