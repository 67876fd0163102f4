"""The answers of intake: their form, errors, and access from any web page."""

from __future__ import annotations

import json
import math
import time
import uuid
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

from django.conf import settings

from statsapi.http.errors import RequestError
from statsapi.http.failures import Failure
from statsapi.operations.retry import RETRY_AFTER
from tsdb.arrivals import Limited, Quota
from tsdb.outcomes import Category

Headers = tuple[tuple[bytes, bytes], ...]
"""Names in lower case and values, as ASGI sends them."""

_JSON: Headers = ((b"content-type", b"application/json"),)
_CROSS_ORIGIN: Headers = (
    # SDKs in browsers send from any page. Nothing of what they send can be read again, so any page may send.
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"x-sentry-error, x-sentry-rate-limits, retry-after"),
)
_PREFLIGHT: Headers = (
    (
        b"access-control-allow-headers",
        b"x-sentry-auth, x-requested-with, x-forwarded-for, origin, referer, accept, content-type, content-encoding, "
        b"transfer-encoding, authentication, authorization",
    ),
    (b"access-control-max-age", b"3600"),
)

RETRY_SECONDS = 60
"""When a refused sender may try again if the end of the quota is unknown: it is 0, or was removed meanwhile."""

_RATE_LIMITS = b"x-sentry-rate-limits"
_NAMES_OF_SDKS: dict[str, str] = {
    Category.ERROR: "default;error;security",
    Category.ATTACHMENT_ITEM: Category.ATTACHMENT,
}
"""What the header calls categories that SDKs know by other names."""

PIXEL = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c000000000100010000020144003b")
"""A transparent GIF of 1×1."""


class Answer(NamedTuple):
    """An answer of intake. `headers` are those that not every answer has."""

    status: int
    body: bytes
    headers: Headers = _JSON


@cache
def usual_headers() -> Headers:
    """Return the headers that every answer of intake has (docs/contract.md#headers)."""
    return (
        *_CROSS_ORIGIN,
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", settings.SECURE_REFERRER_POLICY.encode()),
        (b"cross-origin-opener-policy", settings.SECURE_CROSS_ORIGIN_OPENER_POLICY.encode()),
        (b"content-language", b"en"),
        (b"x-frame-options", b"deny"),
        (b"x-xss-protection", b"1; mode=block"),
    )


@cache
def secure_headers() -> Headers:
    """Return the headers that an answer over HTTPS has besides."""
    if not settings.SECURE_HSTS_SECONDS:
        return ()
    words = [
        f"max-age={settings.SECURE_HSTS_SECONDS}",
        *(["includeSubDomains"] if settings.SECURE_HSTS_INCLUDE_SUBDOMAINS else []),
        *(["preload"] if settings.SECURE_HSTS_PRELOAD else []),
    ]
    return ((b"strict-transport-security", "; ".join(words).encode()),)


def json_answer(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    """Return an answer with the body as JSON."""
    more = tuple((name.lower().encode(), value.encode("latin-1")) for name, value in (headers or {}).items())
    return Answer(status, json.dumps(body).encode(), (*_JSON, *more))


def identified(event_id: str | None) -> Answer:
    """Return the answer 200, with the id if there is one."""
    return Answer(200, b'{"id": "%s"}' % event_id.encode() if event_id else b"{}")


def identified_in_text(event_id: str) -> Answer:
    """Return the answer 200 to a crash reporter: the id as a UUID, in plain text."""
    return Answer(200, str(uuid.UUID(event_id)).encode(), ((b"content-type", b"text/plain; charset=utf-8"),))


def image() -> Answer:
    """Return the answer to an event that came in an address."""
    return Answer(200, PIXEL, ((b"content-type", b"image/gif"),))


def preflight(allowed: str) -> Answer:
    """Return the answer to OPTIONS. `allowed` lists the methods of the endpoint."""
    allow = allowed.encode()
    html = (b"content-type", b"text/html; charset=utf-8")
    return Answer(200, b"", ((b"allow", allow), (b"access-control-allow-methods", allow), *_PREFLIGHT, html))


def wrong_method(method: str, allowed: str) -> Answer:
    """Return the answer 405 to a method that the endpoint does not have."""
    return json_answer({"detail": f'Method "{method}" not allowed.'}, 405, {"Allow": allowed})


def bad_request(error: RequestError) -> Answer:
    """Return the answer to a request that is refused."""
    return json_answer(error.body(), error.status, {"X-Sentry-Error": error.detail})


def failed(failure: Failure) -> Answer:
    """Return the answer to a failure of the service, such as a Redis that cannot be reached."""
    return json_answer(failure.body, failure.status, failure.headers)


def too_slow() -> Answer:
    """Return the answer 408 to a sender that takes longer than BODY_TIMEOUT. The connection is closed after it."""
    detail = f"The body came too slowly: it has {settings.BODY_TIMEOUT:g} s."
    return json_answer({"detail": detail}, 408, {"Connection": "close"})


def busy() -> Answer:
    """Return the answer 503 to a sender for whom there is no memory or no thread at this moment."""
    detail = {"detail": "Too many requests are waiting. Try again in a moment."}
    return json_answer(detail, 503, {**RETRY_AFTER, "Connection": "close"})


def over_https(path: str, query: str) -> Answer:
    """Return the redirect to the same address under PUBLIC_URL, which begins with https."""
    location = f"{settings.PUBLIC_URL}{path}{'?' if query else ''}{query}"
    return Answer(301, b"", ((b"location", location.encode("latin-1", "replace")),))


def refused(quota: Quota | None, now: int, limits: Iterable[Limited] = ()) -> Answer:
    """Return the answer 429 to a request that came at `now`, seconds since the epoch, and that a key's quota refused.

    It says how many seconds the window of the quota still lasts. They are counted from this moment, because reading the
    body may have taken a while. They are an integer, because SDKs ignore fractions, and rounded up, so that a sender
    who waits as long finds room. `limits` are the budgets that refused something besides.
    """
    ends = now - now % quota.window + quota.window if quota and quota.limit else 0
    seconds = _seconds_until(ends)
    return _too_many(seconds, [f"{seconds}:default;error;security:key:key_quota", *_rate_limits(limits)])


def over_budget(limits: Sequence[Limited], category: str | None) -> Answer:
    """Return the answer 429 to a request that budgets of the project refused.

    `category` is that of its event, or None if it has none. The sender may come again when every budget that refused
    the event, or all of it, has a new window.
    """
    seconds = max(_seconds_until(one.until) for one in limits if category in (one.category, None))
    return _too_many(seconds, _rate_limits(limits))


def limited(answer: Answer, limits: Sequence[Limited]) -> Answer:
    """Return the answer with a header that says what budgets refused of the request, though it was accepted."""
    now = time.time()
    # A repeat is told what its first submission was told, whose window may have ended.
    said = _rate_limits(one for one in limits if one.until > now or not one.until)
    return answer._replace(headers=(*answer.headers, (_RATE_LIMITS, ", ".join(said).encode()))) if said else answer


def _too_many(seconds: int, rate_limits: Iterable[str]) -> Answer:
    headers = {
        "Retry-After": str(seconds),
        "X-Sentry-Rate-Limits": ", ".join(rate_limits),
        "X-Sentry-Error": "rate limit",
    }
    return json_answer({"detail": "event submission rejected with_reason: RateLimited"}, 429, headers)


def _rate_limits(limits: Iterable[Limited]) -> list[str]:
    """Return what the header says of budgets: one limit for each name that SDKs know, the longest."""
    longest: dict[str, int] = {}
    for category, until in limits:
        name = _NAMES_OF_SDKS.get(category, category)
        longest[name] = max(longest.get(name, 0), _seconds_until(until))
    return [f"{seconds}:{name}:project:project_quota" for name, seconds in longest.items()]


def _seconds_until(end: int) -> int:
    """Return the seconds until the end of a window, which is in seconds since the epoch; 0 if the end is no matter."""
    return max(1, math.ceil(end - time.time())) if end else RETRY_SECONDS


def new_event_id() -> str:
    """Return a random event id of 32 hexadecimal digits."""
    return uuid.uuid4().hex
