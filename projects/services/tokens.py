"""Tokens of the API: reading, using, making and revoking them.

A secret is shown once; what is kept is its digest. A known token is read from the cache and touches no SQL.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction
from django.db.models import Q, QuerySet

from projects.cache import Ahead, cached, forget
from projects.models import SCOPES, ApiToken, Organization
from projects.selectors import is_id, is_reference, project_cache_key
from projects.services.limits import lock, refuse_more
from projects.services.locking import at_once

log = logging.getLogger(__name__)

LAST_USED_SECONDS = 3600
"""How coarsely a token's last use is kept: one write to the database in that time."""

TOKEN_PREFIX = "sta_"  # noqa: S105

MOST_NOTED = 10_000
_organization_of: dict[str, int] = {}
"""The organization of each token that was used, by the token's key in the cache. Nothing is decided by it: it is a
guess at what a request will need, and a token stays with its organization."""


class Token(NamedTuple):
    """A token that is not revoked. `expires` and `last_used` are seconds since the epoch, None: never."""

    id: int
    organization: int
    organization_slug: str
    scopes: tuple[str, ...]
    expires: int | None
    last_used: int | None


class NewToken(NamedTuple):
    """`secret` is shown once; nothing keeps it."""

    token: ApiToken
    secret: str

    def __repr__(self) -> str:
        return f"<NewToken {self.token}>"


def digest_of(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def token_cache_key(digest: str) -> str:
    return f"token:{digest}"


def load_token(digest: str) -> Token | None:
    """The token with that digest, from the database; None: unknown or revoked."""
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


def look_ahead(secret: str, project: str | None) -> Ahead | None:
    """Reads what a request with that token, for that project's slug or id, is going to ask of the cache."""
    if not secret.startswith(TOKEN_PREFIX):
        return None
    keys = [token_cache_key(digest_of(secret))]
    organization = _organization_of.get(keys[0])
    if organization is not None and project is not None and is_reference(project):
        keys.append(project_cache_key(organization, project))
    return Ahead(keys)


def note_organization(digest: str, organization: int) -> None:
    if len(_organization_of) >= MOST_NOTED:
        _organization_of.clear()
    _organization_of[token_cache_key(digest)] = organization


def use_token(secret: str, *, now: int, ahead: Ahead | None = None) -> Token | None:
    """The token with that secret; None: unknown or revoked. `now` in seconds since the epoch.

    That it was used is noted when it is read from the database, which the cache makes rare.
    """
    if not secret.startswith(TOKEN_PREFIX):
        return None
    digest = digest_of(secret)

    def load() -> Token | None:
        token = load_token(digest)
        if token and (token.last_used is None or now - token.last_used >= LAST_USED_SECONDS):
            _note_use(token, now)
        return token

    token = cached(token_cache_key(digest), load, decode_token, ahead)
    if token:
        note_organization(digest, token.organization)
    return token


def decode_token(found: Any) -> Token | None:
    """A token of its entry in the cache; None: that is no token's."""
    match found:
        case [number, organization, str(slug), [*scopes], int() | None as expires, int() | None as last_used] if (
            is_id(number) and is_id(organization) and all(isinstance(scope, str) for scope in scopes)
        ):
            return Token(number, organization, slug, tuple(scopes), expires, last_used)
    return None


@transaction.atomic
def create_token(
    *, organization: Organization, scopes: Iterable[str], name: str = "", expires: datetime | None = None
) -> NewToken:
    """Raises ValidationError for a scope that does not exist, LimitReached."""
    lock(organization)
    refuse_more(
        organization.tokens.exclude(_is_over()),
        adding=1,
        setting="ORGANIZATION_MAX_TOKENS",
        of="organization",
        what="tokens in force",
        do="revoke some, or raise the limit",
    )
    return _make(organization, scopes, name, expires)


def _make(organization: Organization, scopes: Iterable[str], name: str, expires: datetime | None) -> NewToken:
    wanted = [scope for scope in SCOPES if scope in set(scopes)]
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not wanted:
        raise ValidationError(f"Unknown scope {', '.join(unknown) or '(none)'}; there are {', '.join(SCOPES)}.")
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    token = ApiToken(
        organization=organization,
        name=name,
        scopes=wanted,
        expires=expires,
        digest=digest_of(secret),
        last_four=secret[-4:],
    )
    token.full_clean()
    token.save()
    _delete_oldest(organization.tokens.filter(_is_over()))
    return NewToken(token, secret)


@transaction.atomic
def update_token(*, token: ApiToken) -> None:
    """Saves changed scopes, name or expiry."""
    forget(token_keys([token]))
    token.full_clean()
    token.save()


@transaction.atomic
def revoke_tokens(tokens: Iterable[ApiToken]) -> int:
    """Revokes those that are not yet; returns how many."""
    tokens = list(tokens)
    forget(token_keys(tokens))
    open_tokens = ApiToken.objects.filter(pk__in=[token.pk for token in tokens], revoked=None)
    return open_tokens.update(revoked=datetime.now(UTC))


@transaction.atomic
def rotate_token(*, token: ApiToken) -> NewToken:
    """Revokes the token and makes another of the same name, scopes and expiry.

    Where there are more than the limit it is possible too: there are no more of them then.
    """
    revoke_tokens([token])
    return _make(token.organization, token.scopes, token.name, token.expires)


@transaction.atomic
def delete_tokens(tokens: Iterable[ApiToken]) -> None:
    tokens = list(tokens)
    forget(token_keys(tokens))
    ApiToken.objects.filter(pk__in=[token.pk for token in tokens]).delete()


def _note_use(token: Token, now: int) -> None:
    try:
        with at_once():
            ApiToken.objects.filter(pk=token.id).update(last_used=datetime.fromtimestamp(now, UTC))
    except DatabaseError as error:  # no reason to refuse the request, nor to let it wait
        log.warning("the last use of token %d was not noted: %s", token.id, error)


def _is_over() -> Q:
    """Revoked or expired."""
    return Q(revoked__isnull=False) | Q(expires__lte=datetime.now(UTC))


def _delete_oldest(over: QuerySet[ApiToken]) -> None:
    """Of those that are over, the latest are kept for who asks what became of one: as many as may be in force."""
    oldest = over.order_by("-id")[settings.ORGANIZATION_MAX_TOKENS :]
    if numbers := list(oldest.values_list("pk", flat=True)):
        delete_tokens(ApiToken.objects.filter(pk__in=numbers))


def token_keys(tokens: Iterable[ApiToken]) -> list[str]:
    return [token_cache_key(token.digest) for token in tokens]
