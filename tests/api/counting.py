"""Counts into projects at a moment of 2018, for the tests of the statistics."""

from __future__ import annotations

from typing import Any

from django.test import Client

JSON = "application/json"
NOW = 1_541_455_200  # 2018-11-05T22:00:00Z
MINUTE, HOUR, DAY = 60, 3600, 86400


def post(api: Client, slug: str, *rows: dict[str, Any]) -> None:
    """Count the rows into the project with that slug."""
    for start in range(0, len(rows), 1000):
        part = list(rows[start : start + 1000])
        response = api.post(f"/api/0/projects/acme/{slug}/outcomes/", {"outcomes": part}, content_type=JSON)
        assert response.status_code == 201, response.content


def row(outcome: str = "accepted", quantity: int = 1, age: int = 0, **more: Any) -> dict[str, Any]:
    """Return a row of outcomes/ that is `age` seconds old."""
    return {"outcome": outcome, "quantity": quantity, "timestamp": NOW - age, **more}


def lines(response: Any) -> list[str]:
    """Return the lines of an answer that is CSV."""
    text: str = response.content.decode()
    return text.splitlines()
