"""The rate limit of tokens: API_RATE_LIMIT requests in each fixed window. It is off unless that is set.

Requests are counted in the cache. If the cache cannot be reached, the answer is 503. If it refuses writes, requests
pass without being counted, because a Redis that is full or read-only still answers reads. If something other than a
count is found in the cache, the window begins anew.
"""

from __future__ import annotations

from typing import NamedTuple

from django.conf import settings
from django_redis import get_redis_connection
from redis.exceptions import ResponseError
from rest_framework.exceptions import APIException

from projects.selectors import Token
from statsapi.operations import metrics
from tsdb.refusals import refusal


class Allowance(NamedTuple):
    """What a token has left in its window, which ends at `reset`, seconds since the epoch."""

    limit: int
    remaining: int
    reset: int

    @property
    def headers(self) -> dict[str, str]:
        """The headers that tell a client about it."""
        return {
            "X-Sentry-Rate-Limit-Limit": str(self.limit),
            "X-Sentry-Rate-Limit-Remaining": str(self.remaining),
            "X-Sentry-Rate-Limit-Reset": str(self.reset),
        }


class TooOften(APIException):
    """A request beyond the limit; the client may ask again in `wait` seconds."""

    status_code = 429

    def __init__(self, limit: int, window: int, wait: int) -> None:
        super().__init__(
            f"You are attempting to use this endpoint too frequently. Limit is {limit} requests in {window} seconds"
        )
        self.wait = wait  # Django REST Framework sends it as Retry-After


def take(token: Token, now: int) -> tuple[Allowance, TooOften | None] | None:
    """Take one request from the token's window.

    Return what is left and the refusal, if any; None if there is no limit.
    """
    if settings.API_RATE_LIMIT is None:
        return None
    limit, window = settings.API_RATE_LIMIT
    reset = now - now % window + window
    try:
        used = _add_one(f"api-limit:{token.id}:{reset}", window + 1)
    except ResponseError as error:
        if refusal(error) is None:
            raise
        metrics.redis_failed(error)
        return None
    allowance = Allowance(limit, max(0, limit - used), reset)
    return allowance, TooOften(limit, window, reset - now) if used > limit else None


def _add_one(key: str, seconds: int) -> int:
    """Count one request in the window, and return how many there were, at least 1."""
    pipeline = get_redis_connection("default").pipeline()
    pipeline.incr(key)
    pipeline.expire(key, seconds)
    try:
        used = int(pipeline.execute()[0])
        if used > 0:
            return used
    except ResponseError as error:
        if refusal(error) is not None:
            raise
    get_redis_connection("default").set(key, 1, ex=seconds)
    return 1
