"""One clock a request: whoever asks it first, all that follows is told the same."""

from __future__ import annotations

import time

from django.http import HttpRequest
from rest_framework.request import Request

_KEY = "statsapi.now_ns"
"""In the request's environment, where no header of a client can have this name."""


def now_ns(request: HttpRequest | Request) -> int:
    """Nanoseconds since the epoch."""
    environment = request.META
    if _KEY not in environment:
        environment[_KEY] = time.time_ns()
    return int(environment[_KEY])


def now(request: HttpRequest | Request) -> int:
    """Whole seconds since the epoch."""
    return now_ns(request) // 1_000_000_000
