"""The answers of intake: their form, errors, and access from any web page."""

from __future__ import annotations

import functools
import json
import math
import time
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from statsapi.http.errors import RequestError
from statsapi.http.failures import failure
from tsdb.intake import Quota

View = Callable[[HttpRequest, str], HttpResponse]

# SDKs in browsers send from any page. Nothing of what they send can be read again, so any page may send.
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
"""When a refused sender may try again if the end of the quota is unknown: it is 0, or was removed meanwhile."""

PIXEL = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c000000000100010000020144003b")
"""A transparent GIF of 1×1."""


def intake_view(*methods: str) -> Callable[[View], View]:
    """Return a decorator for a view of intake that takes these methods. OPTIONS is answered as a preflight."""

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
    except Exception as error:  # failure() decides between 503 and 500; an answer never holds a traceback
        return failure(error)


def json_answer(body: object, status: int = 200, headers: dict[str, str] | None = None) -> HttpResponse:
    """Return an answer with the body as JSON."""
    return HttpResponse(json.dumps(body), "application/json", status, headers=headers)


def identified(event_id: str | None) -> HttpResponse:
    """Return the answer 200, with the id if there is one."""
    return json_answer({"id": event_id} if event_id else {})


def refused(quota: Quota | None, now: int) -> HttpResponse:
    """Return the answer 429 to a request that came at `now`, seconds since the epoch.

    It says how many seconds the window of the quota still lasts. They are counted from this moment, because reading the
    body may have taken a while. They are an integer, because SDKs ignore fractions, and rounded up, so that a sender
    who waits as long finds room.
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
    """Return a random event id of 32 hexadecimal digits."""
    return uuid.uuid4().hex
