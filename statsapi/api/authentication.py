"""Who asks: a bearer token, or a logged-in browser session."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.contrib.auth.models import User
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from projects import services
from projects.selectors import Token
from statsapi import clock


class Caller(NamedTuple):
    """`request.auth` of every authenticated request. Exactly one of the two is set."""

    token: Token | None
    user: User | None


class Authentication(BaseAuthentication):
    """A token where there is an Authorization header, else the session.

    A token is never looked for in the query string. `request.user` stays None for a token: it belongs to an
    organization, not to a person.
    """

    def authenticate(self, request: Request) -> tuple[User | None, Caller] | None:
        header = request.META.get("HTTP_AUTHORIZATION", "").split()
        if header and header[0].lower() == "bearer":
            return None, Caller(_token(header[1:], clock.now(request)), None)
        found = _Session().authenticate(request)
        return (found[0], Caller(None, found[0])) if found else None

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class _Session(SessionAuthentication):
    def enforce_csrf(self, request: Any) -> None:
        # The framework's own request would look for the token in the parsed body, and so parse it before all checks.
        super().enforce_csrf(request._request)


def _token(words: list[str], now: int) -> Token:
    if not words:
        raise AuthenticationFailed("Invalid token header. No credentials provided.")
    if len(words) > 1:
        raise AuthenticationFailed("Invalid token header. Token string should not contain spaces.")
    token = services.use_token(words[0], now=now)
    if token is None:
        raise AuthenticationFailed("Invalid token")
    if token.expires is not None and token.expires <= now:
        raise AuthenticationFailed("Token expired")
    return token
