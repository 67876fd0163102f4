"""Authentication: a bearer token, or the session of a logged-in browser."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.contrib.auth.models import User
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.request import Request

from projects import services
from projects.known import Known
from projects.selectors import Token
from statsapi.http import clock

AT_ONCE = "statsapi.at_once"
"""The key in the request's environment that allows to believe what is in memory. No header can have this name."""


class Caller(NamedTuple):
    """The caller of an authenticated request, its `request.auth`. Exactly one of `token` and `user` is set."""

    token: Token | None
    user: User | None
    known: Known | None = None
    """The rows of the token's organization that this process has in memory."""


def caller_of(request: Request) -> Caller | None:
    """Return the caller; None if the request has no credentials. Raises AuthenticationFailed if they are wrong."""
    caller: object = request.auth
    return caller if isinstance(caller, Caller) else None


def known_caller_of(request: Request) -> Caller:
    """Return the caller. Raises NotAuthenticated if the request has no credentials."""
    caller = caller_of(request)
    if caller is None:
        raise NotAuthenticated
    return caller


class Authentication(BaseAuthentication):
    """The token of the Authorization header, or else the session.

    A token in the query string is ignored. `request.user` is None for a token, because a token belongs to an
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
        # Given its own request, the framework would look for the CSRF token in the body, and parse it before all
        # checks.
        super().enforce_csrf(request._request)


def _by_token(words: list[str], request: Request) -> Caller:
    if not words:
        raise AuthenticationFailed("Invalid token header. No credentials provided.")
    if len(words) > 1:
        raise AuthenticationFailed("Invalid token header. Token string should not contain spaces.")
    now = clock.now(request)
    found = services.use_token(words[0], now=now, at_once=AT_ONCE in request.META)
    if found is None:
        raise AuthenticationFailed("Invalid token")
    token, known = found
    if token.expires is not None and token.expires <= now:
        known.compare()
        raise AuthenticationFailed("Token expired")
    return Caller(token, None, known)
