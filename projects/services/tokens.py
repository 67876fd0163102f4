"""Tokens of the API: creating, using, changing, rotating, revoking and deleting them.

A secret is shown once, and only its digest is stored.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction
from django.db.models import Q, QuerySet

from projects.known import Known, changing, known_by
from projects.models import OFFERED_SCOPES, SCOPES, ApiToken, Organization
from projects.selectors import Token
from projects.services import history, wording
from projects.services.locking import without_waiting
from projects.services.object_limits import lock, refuse_more

log = logging.getLogger(__name__)

LAST_USED_SECONDS = 3600
"""How exactly the last use of a token is stored. In this many seconds there is at most about one write for a token."""

TOKEN_PREFIX = "sta_"  # noqa: S105


class TokenInUse(NamedTuple):
    """A token that a request brought, and what is known of its organization."""

    token: Token
    known: Known


class NewToken(NamedTuple):
    """A token that was just created, and its secret, which is not stored anywhere. Its repr() leaves the secret out."""

    token: ApiToken
    secret: str

    def __repr__(self) -> str:
        return f"<NewToken {self.token}>"


def digest_of(secret: str) -> str:
    """Return the SHA-256 of a secret in hexadecimal digits, as it is stored."""
    return sha256(secret.encode()).hexdigest()


def use_token(secret: str, *, now: int, at_once: bool = False) -> TokenInUse | None:
    """Return the token with this secret, or None if it is unknown or revoked. The caller checks whether it has expired.

    `now` is in seconds since the epoch. `at_once` believes what is in memory, and the caller compares it later with
    Known.stamp. Otherwise it is compared now. The last use is stored about once in LAST_USED_SECONDS. Raises Outdated
    only with `at_once`.
    """
    if not secret.startswith(TOKEN_PREFIX):
        return None
    digest = digest_of(secret)
    known = known_by(digest)
    if known is None:
        return None
    if not at_once:
        known.compare()
    token = known.token(digest)
    if token is None:
        return None
    if token.last_used is None or now - token.last_used >= LAST_USED_SECONDS:
        known.compare()
        _note_use(token, now)
        known.note_use(digest, now)
    return TokenInUse(token, known)


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
        raise ValidationError(f"Unknown scope {', '.join(unknown) or '(none)'}; there are {', '.join(OFFERED_SCOPES)}.")
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
    changing([token.organization_id])
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
    changing(token.organization_id for token in tokens)
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
    changing(token.organization_id for token in tokens)
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
