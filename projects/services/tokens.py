"""Tokens of the API: creating, using, changing, rotating, revoking and deleting them.

A secret is shown once, and only its digest is stored. A known token is read from the cache and needs no SQL.
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
from projects.services import history, wording
from projects.services.locking import without_waiting
from projects.services.object_limits import lock, refuse_more

log = logging.getLogger(__name__)

LAST_USED_SECONDS = 3600
"""How exactly the last use of a token is stored. In this many seconds there is at most about one write for a token."""

TOKEN_PREFIX = "sta_"  # noqa: S105

MOST_NOTED = 10_000
"""The most tokens whose organization this process remembers."""

_organization_of: dict[str, int] = {}
"""The organization of each token that was used lately, by the token's key in the cache.

It is only a guess at which entries a request will need, and decides nothing. A token never changes its organization.
"""


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


class NewToken(NamedTuple):
    """A token that was just created, and its secret, which is not stored anywhere. Its repr() leaves the secret out."""

    token: ApiToken
    secret: str

    def __repr__(self) -> str:
        return f"<NewToken {self.token}>"


def digest_of(secret: str) -> str:
    """Return the SHA-256 of a secret in hexadecimal digits, as it is stored."""
    return sha256(secret.encode()).hexdigest()


def token_cache_key(digest: str) -> str:
    """Return the cache's key for the token with this digest."""
    return f"token:{digest}"


def load_token(digest: str) -> Token | None:
    """Return the token with this digest from the database, or None if it is unknown or revoked."""
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
    """Read the entries of the cache that a request with this token will need. One round trip.

    `project` is the slug or id of the project that the request is about, if it is about one. Returns None if the secret
    is not one of a token. Raises RedisError.
    """
    if not secret.startswith(TOKEN_PREFIX):
        return None
    keys = [token_cache_key(digest_of(secret))]
    organization = _organization_of.get(keys[0])
    if organization is not None and project is not None and is_reference(project):
        keys.append(project_cache_key(organization, project))
    return Ahead(keys)


def note_organization(digest: str, organization: int) -> None:
    """Remember the token's organization for look_ahead."""
    if len(_organization_of) >= MOST_NOTED:
        _organization_of.clear()
    _organization_of[token_cache_key(digest)] = organization


def use_token(secret: str, *, now: int, ahead: Ahead | None = None) -> Token | None:
    """Return the token with this secret, or None if it is unknown or revoked. The caller checks whether it has expired.

    `now` is in seconds since the epoch, and `ahead` holds entries of the cache that were already read. The last use is
    stored only when the token is read from the database, which is rare because of the cache.
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
    """Return the token that an entry of the cache describes, or None if the entry is not a token's."""
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
    """Create a token and return it with its secret. Raises ValidationError for an unknown scope, LimitReached."""
    lock(organization)
    refuse_more(
        organization.tokens.exclude(_is_over()),
        adding=1,
        setting="ORGANIZATION_MAX_TOKENS",
        of="organization",
        what="tokens in force",
        do="revoke some, or raise the limit",
    )
    made = _make(organization, scopes, name, expires)
    history.note(organization.pk, wording.of_new_token(made.token))
    return made


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
    """Save changed scopes, name or expiry of a token. Raises ValidationError, ApiToken.DoesNotExist."""
    old = ApiToken.objects.select_for_update().get(pk=token.pk)
    forget(token_keys([token]))
    token.full_clean()
    token.save()
    history.note(token.organization_id, *wording.of_token(old, token))


@transaction.atomic
def revoke_tokens(tokens: Iterable[ApiToken]) -> int:
    """Revoke the tokens that are not revoked yet. Return how many these were."""
    revoked = _revoke(tokens)
    for token in revoked:
        history.note(token.organization_id, f"revoked {wording.named_token(token)}")
    return len(revoked)


def _revoke(tokens: Iterable[ApiToken]) -> list[ApiToken]:
    """Revoke the tokens that are not revoked yet, and return them as they were."""
    tokens = list(tokens)
    forget(token_keys(tokens))
    rows = ApiToken.objects.filter(pk__in=[token.pk for token in tokens], revoked=None)
    found = list(rows.select_for_update().order_by("pk"))
    rows.update(revoked=datetime.now(UTC))
    return found


@transaction.atomic
def rotate_token(*, token: ApiToken) -> NewToken:
    """Revoke the token, and create another with the same name, scopes and expiry.

    This is allowed even above the limit on tokens, because there are not more of them afterwards.
    """
    _revoke([token])
    made = _make(token.organization, token.scopes, token.name, token.expires)
    history.note(token.organization_id, f"rotated {wording.named_token(token)}: it is …{made.token.last_four} now")
    return made


@transaction.atomic
def delete_tokens(tokens: Iterable[ApiToken]) -> None:
    """Delete tokens, all or none."""
    for token in _delete(tokens):
        history.note(token.organization_id, f"deleted {wording.named_token(token)}")


def _delete(tokens: Iterable[ApiToken]) -> list[ApiToken]:
    """Delete the tokens that are there, and return them."""
    tokens = list(tokens)
    forget(token_keys(tokens))
    rows = ApiToken.objects.filter(pk__in=[token.pk for token in tokens])
    found = list(rows.select_for_update().order_by("pk"))
    rows.delete()
    return found


def _note_use(token: Token, now: int) -> None:
    try:
        with without_waiting():
            ApiToken.objects.filter(pk=token.id).update(last_used=datetime.fromtimestamp(now, UTC))
    except DatabaseError as error:  # no reason to refuse the request or to let it wait
        log.warning("the last use of token %d was not noted: %s", token.id, error)


def _is_over() -> Q:
    """Return the condition of a token that is revoked or has expired."""
    return Q(revoked__isnull=False) | Q(expires__lte=datetime.now(UTC))


def _delete_oldest(over: QuerySet[ApiToken]) -> None:
    """Delete the oldest of the tokens that are revoked or expired.

    The latest are kept, to show what became of them: as many as there may be tokens in force.
    """
    oldest = over.order_by("-id")[settings.ORGANIZATION_MAX_TOKENS :]
    if numbers := list(oldest.values_list("pk", flat=True)):
        _delete(ApiToken.objects.filter(pk__in=numbers))


def token_keys(tokens: Iterable[ApiToken]) -> list[str]:
    """Return the cache's keys for these tokens."""
    return [token_cache_key(token.digest) for token in tokens]
