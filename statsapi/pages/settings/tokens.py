"""The tokens of an organization: its owners make, rotate and revoke them.

A token's secret is shown on one page only: the answer to the form that made it. No message, cookie, session or address
carries it there, so it needs to be removed from none of them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from redis.exceptions import RedisError

from projects import services
from projects.models import SCOPES, ApiToken
from projects.services import NewToken
from statsapi.api.parameters import ID
from statsapi.pages.access import OWN, Place, in_organization
from statsapi.pages.refusals import UNREACHABLE, refusals_in
from statsapi.pages.settings.token_form import PRESETS, TokenForm
from statsapi.pages.zones import zone_of


@in_organization(OWN, methods=("GET", "POST"))
def tokens(request: HttpRequest, place: Place) -> HttpResponse:
    """List the tokens, and make one."""
    form = TokenForm(request.POST if request.method == "POST" else None, zone=zone_of(request).info)
    if request.method == "POST" and form.is_valid():
        with refusals_in(form):
            made = services.create_token(
                organization=place.organization,
                scopes=form.chosen_scopes(),
                name=form.cleaned_data["name"],
                expires=form.cleaned_data["last_day"],
            )
            return _shown_once(request, place, made)
    now = datetime.now(UTC)
    rows = list(place.organization.tokens.order_by("-id"))
    is_over = {row.pk: row.revoked is not None or (row.expires is not None and row.expires <= now) for row in rows}
    context = {
        "place": place,
        "form": form,
        "presets": PRESETS,
        "valid": [row for row in rows if not is_over[row.pk]],
        "over": [row for row in rows if is_over[row.pk]],
        "every_scope": len(SCOPES),
    }
    return render(request, "pages/settings/tokens.html", context)


@in_organization(OWN, methods=("GET", "POST"))
def revoke(request: HttpRequest, place: Place, token: str) -> HttpResponse:
    """Ask whether to revoke the token, and revoke it."""
    row = _find(place, token)
    if request.method != "POST":
        return _confirm(request, place, row, "revoke")
    try:
        gone = services.revoke_tokens([row])
    except RedisError:
        return _confirm(request, place, row, "revoke", refusal=UNREACHABLE)
    if gone:
        messages.success(request, f"{_named(row)} is revoked. The next request with it is refused.")
    else:
        messages.info(request, f"{_named(row)} was revoked before.")
    return redirect("tokens", organization=place.organization.slug)


@in_organization(OWN, methods=("GET", "POST"))
def rotate(request: HttpRequest, place: Place, token: str) -> HttpResponse:
    """Ask whether to rotate the token, and rotate it: revoke it, and make another with the same rights."""
    row = _find(place, token)
    if request.method != "POST":
        return _confirm(request, place, row, "rotate")
    try:
        with transaction.atomic():
            # With the lock, two requests that rotate one token make one new token.
            valid = ApiToken.objects.select_for_update().filter(pk=row.pk, revoked=None).first()
            made = services.rotate_token(token=valid) if valid and not _has_expired(valid) else None
    except RedisError:
        return _confirm(request, place, row, "rotate", refusal=UNREACHABLE)
    if made is None:
        messages.info(request, f"{_named(row)} is revoked or has expired, and stays as it is.")
        return redirect("tokens", organization=place.organization.slug)
    return _shown_once(request, place, made)


def _find(place: Place, token: str) -> ApiToken:
    """Return the organization's token with this id. Raises Http404, also for a token of another organization."""
    if not re.fullmatch(ID, token):
        raise Http404
    row = place.organization.tokens.filter(pk=int(token)).first()
    if row is None:
        raise Http404
    return row


def _shown_once(request: HttpRequest, place: Place, made: NewToken) -> HttpResponse:
    context = {
        "place": place,
        "made": made,
        "tab": "tokens",
        "every_scope": len(SCOPES),
        "address": settings.PUBLIC_URL,
    }
    return render(request, "pages/settings/token_shown_once.html", context)


def _confirm(request: HttpRequest, place: Place, row: ApiToken, what: str, *, refusal: str = "") -> HttpResponse:
    context = {"place": place, "token": row, "what": what, "refusal": refusal, "tab": "tokens"}
    return render(request, "pages/settings/token_confirm.html", context)


def _named(token: ApiToken) -> str:
    return f"The token “{token.name}” …{token.last_four}" if token.name else f"The token …{token.last_four}"


def _has_expired(token: ApiToken) -> bool:
    return token.expires is not None and token.expires <= datetime.now(UTC)
