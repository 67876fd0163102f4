"""What every view of intake has in common: answers, errors, and access from any web page."""

from __future__ import annotations

import functools
import json
import math
import time
import uuid
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from statsapi.http.errors import RequestError
from statsapi.http.failures import failure
from tsdb.intake import Quota

View = Callable[[HttpRequest, str], HttpResponse]

# The browser's SDK sends from any page; what it sends is counted and nothing of it can be read, so any page may.
_ANY_PAGE = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "x-sentry-error, x-sentry-rate-limits, retry-after",
}
_PREFLIGHT = {
    "Access-Control-Allow-Headers": "x-sentry-auth, x-requested-with, x-forwarded-for, origin, referer, accept, "
    "content-type, content-encoding, transfer-encoding, authentication, authorization",
    "Access-Control-Max-Age": "3600",
}

RETRY_SECONDS = 60
"""What a refused sender is told where nobody knows when there will be room: the quota is 0, or gone meanwhile."""

PIXEL = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c000000000100010000020144003b")
"""A transparent GIF of 1×1."""


def intake_view(*methods: str) -> Callable[[View], View]:
    """A view of intake for these methods; OPTIONS is a preflight."""

    def decorate(view: View) -> View:
        allowed = ", ".join((*methods, "OPTIONS"))

        @csrf_exempt
        @functools.wraps(view)
        def wrapper(request: HttpRequest, project_id: str) -> HttpResponse:
            response = _answer(view, request, project_id, methods, allowed)
            for name, value in _ANY_PAGE.items():
                response.headers[name] = value
            return response

        return wrapper

    return decorate


def _answer(view: View, request: HttpRequest, project_id: str, methods: tuple[str, ...], allowed: str) -> HttpResponse:
    if request.method == "OPTIONS":
        return HttpResponse(headers={"Allow": allowed, "Access-Control-Allow-Methods": allowed, **_PREFLIGHT})
    if request.method not in methods:
        return json_answer({"detail": f'Method "{request.method}" not allowed.'}, 405, {"Allow": allowed})
    try:
        return view(request, project_id)
    except RequestError as error:
        return json_answer(error.body(), error.status, {"X-Sentry-Error": error.detail})
    except Exception as error:  # what it is decides failures.failure: 503 or 500, never a traceback
        return failure(error)


def json_answer(body: object, status: int = 200, headers: dict[str, str] | None = None) -> HttpResponse:
    return HttpResponse(json.dumps(body), "application/json", status, headers=headers)


def identified(event_id: str | None) -> HttpResponse:
    return json_answer({"id": event_id} if event_id else {})


def refused(quota: Quota | None, now: int) -> HttpResponse:
    """429, until the window of the quota ends in which the request came, at `now`.

    That is told from this moment on, because reading a body may have taken a while. Integers, because SDKs ignore
    fractions; rounded up, because whoever waits so long must find room.
    """
    seconds = RETRY_SECONDS
    if quota and quota.limit:
        end = now - now % quota.window + quota.window
        seconds = max(1, math.ceil(end - time.time()))
    headers = {
        "Retry-After": str(seconds),
        "X-Sentry-Rate-Limits": f"{seconds}:default;error;security:key:key_quota",
        "X-Sentry-Error": "rate limit",
    }
    return json_answer({"detail": "event submission rejected with_reason: RateLimited"}, 429, headers)


def new_event_id() -> str:
    return uuid.uuid4().hex


def client_address(request: HttpRequest) -> str:
    """The sender's address; a header says it only behind a proxy of one's own, which writes it last."""
    if settings.TRUST_PROXY:
        forwarded: str = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
        if forwarded:
            return _without_port(forwarded)
    return str(request.META.get("REMOTE_ADDR", ""))


def _without_port(address: str) -> str:
    """Some proxies write `192.0.2.1:4711` and `[2001:db8::1]:4711`."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address
