"""Django's middleware that serves browsers alone: a request with a token passes it by.

Such a request has no session, no user and no message to show; yet without this they would take a tenth of its time.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest
from django.utils.deprecation import MiddlewareMixin


class _ForBrowsers(MiddlewareMixin):
    def __call__(self, request: HttpRequest) -> Any:
        return self.get_response(request) if has_token(request) else super().__call__(request)


class Sessions(_ForBrowsers, SessionMiddleware):
    pass


class Users(_ForBrowsers, AuthenticationMiddleware):
    pass


class Messages(_ForBrowsers, MessageMiddleware):
    pass


def has_token(request: HttpRequest) -> bool:
    """It says so itself; whether the token is good is not asked here (statsapi/api/authentication.py)."""
    said = request.META.get("HTTP_AUTHORIZATION", "")
    return request.path_info.startswith("/api/0/") and said[:7].lower() == "bearer "
