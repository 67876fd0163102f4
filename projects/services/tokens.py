"""Tokens of the API. A secret is shown once; what is kept is its digest."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction
from django.db.models import Q, QuerySet

from projects import selectors
from projects.cache import Ahead, cached, forget
from projects.models import SCOPES, ApiToken, Organization
from projects.services.limits import lock, refuse_more
from projects.services.locking import at_once

log = logging.getLogger(__name__)

LAST_USED_SECONDS = 3600
"""How coarsely a token's last use is kept: one write to the database in that time."""


class NewToken(NamedTuple):
    """`secret` is shown once; nothing keeps it."""

    token: ApiToken
    secret: str

    def __repr__(self) -> str:
        return f"<NewToken {self.token}>"


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

    token = cached(selectors.token_cache_key(digest), load, selectors.decode_token, ahead)
    if token:
        selectors.note_organization(digest, token.organization)
    return token


def _note_use(token: selectors.Token, now: int) -> None:
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
    return [selectors.token_cache_key(token.digest) for token in tokens]
