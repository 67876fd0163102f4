"""One clock a request: the first call reads the time, and every later call for the request returns the same."""

from __future__ import annotations

import time

from django.http import HttpRequest
from rest_framework.request import Request

_KEY = "statsapi.now_ns"
"""A name in the WSGI environment that no header of a client can have."""


def now_ns(request: HttpRequest | Request) -> int:
    """Return the time of the request in nanoseconds since the epoch."""
    environment = request.META
    if _KEY not in environment:
        environment[_KEY] = time.time_ns()
    return int(environment[_KEY])


def now(request: HttpRequest | Request) -> int:
    """Return the time of the request in whole seconds since the epoch."""
    return now_ns(request) // 1_000_000_000
