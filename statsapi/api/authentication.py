"""Who asks: a bearer token, or a logged-in browser session."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.contrib.auth.models import User
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.request import Request

from projects import services
from projects.cache import Ahead
from projects.services.tokens import Token, look_ahead
from statsapi.http import clock


class Caller(NamedTuple):
    """`request.auth` of every authenticated request. Exactly one of token and user is set."""

    token: Token | None
    user: User | None
    ahead: Ahead | None = None
    """What was read of the cache together with the token."""


def caller_of(request: Request) -> Caller | None:
    """Return who asks; None where the request has no credentials. Raises AuthenticationFailed for bad ones."""
    caller: object = request.auth
    return caller if isinstance(caller, Caller) else None


def known_caller_of(request: Request) -> Caller:
    """Return who asks. Raises NotAuthenticated where the request has no credentials."""
    caller = caller_of(request)
    if caller is None:
        raise NotAuthenticated
    return caller


class Authentication(BaseAuthentication):
    """A token where there is an Authorization header, else the session.

    A token is never looked for in the query string. `request.user` stays None for a token: it belongs to an
    organization, not to a person.
    """

    def authenticate(self, request: Request) -> tuple[User | None, Caller] | None:
        header = request.META.get("HTTP_AUTHORIZATION", "").split()
        if header and header[0].lower() == "bearer":
            return None, _by_token(header[1:], request)
        found = _Session().authenticate(request)
        return (found[0], Caller(None, found[0])) if found else None

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class _Session(SessionAuthentication):
    def enforce_csrf(self, request: Any) -> None:
        # The framework's own request would look for the token in the parsed body, and so parse it before all checks.
        super().enforce_csrf(request._request)


def _by_token(words: list[str], request: Request) -> Caller:
    if not words:
        raise AuthenticationFailed("Invalid token header. No credentials provided.")
    if len(words) > 1:
        raise AuthenticationFailed("Invalid token header. Token string should not contain spaces.")
    now = clock.now(request)
    ahead = look_ahead(words[0], request.parser_context["kwargs"].get("project_slug"))
    token = services.use_token(words[0], now=now, ahead=ahead)
    if token is None:
        raise AuthenticationFailed("Invalid token")
    if token.expires is not None and token.expires <= now:
        raise AuthenticationFailed("Token expired")
    return Caller(token, None, ahead)
