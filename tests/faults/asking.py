"""Requests that count into acme/web and read from it, through Django's test client."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponseBase
from django.test import Client

STATS = "/api/0/projects/acme/web/stats/"
OUTCOMES = "/api/0/projects/acme/web/outcomes/"

RESOLUTIONS = {"10s": 10, "1h": 3600, "1d": 86400}


def count(api: Client, *rows: dict[str, Any], **headers: str) -> Any:
    """Send outcomes, each accepted unless it says otherwise, and return the response."""
    outcomes = [{"outcome": "accepted", **row} for row in rows]
    return api.post(OUTCOMES, {"outcomes": outcomes}, content_type="application/json", headers=headers)


def series(api: Client, **query: float | str) -> dict[float, int]:
    """Return the counts that are not 0 by the start of their bucket."""
    response = api.get(STATS, {name: str(value) for name, value in query.items()})
    assert response.status_code == 200, response.content
    return {start: number for start, number in response.json() if number}


def sums(api: Client, *, since: float, until: float) -> list[int]:
    """Return the sum from the bucket of `since` to that of `until` at each resolution."""
    # Steps back from `until` do not always meet the bucket of `since`. They do if the window begins one step earlier.
    return [
        sum(series(api, since=since - seconds, until=until, resolution=one).values())
        for one, seconds in RESOLUTIONS.items()
    ]


def shape(response: HttpResponseBase) -> tuple[int, bytes, dict[str, str]]:
    """Return everything that a client sees of a response: status, body and headers."""
    return response.status_code, getattr(response, "content", b""), dict(response.headers)
