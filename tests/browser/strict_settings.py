"""The settings, and every answer with a Content-Security-Policy as strict as one can be."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from statsapi.settings import *  # noqa: F403
from statsapi.settings import MIDDLEWARE as _MIDDLEWARE

MIDDLEWARE = ["tests.browser.strict_settings.with_policy", *_MIDDLEWARE]


def with_policy(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers["Content-Security-Policy"] = "default-src 'self'; object-src 'none'; base-uri 'none'"
        return response

    return middleware
