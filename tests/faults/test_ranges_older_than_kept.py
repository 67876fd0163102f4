"""Ranges older than what is kept, at every endpoint, with every interval and resolution.

Either the answer is complete at a resolution that it names, or it says since when it is.
See docs/reliability.md#old-ranges.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
import time_machine
from django.test import Client

from projects.models import Project
from tests.faults.asking import STATS, count

NOW = 1_541_455_200 + 1234
HOUR, DAY = 3600, 86400
ORGANIZATION = "/api/0/organizations/acme"
Q = "sum(quantity)"
AGES = {
    "more than 10 seconds are kept": 2 * HOUR,
    "more than 5 minutes are kept": 2 * DAY,
    "more than hours are kept": 40 * DAY,
    "more than days are kept": 410 * DAY,
}
INTERVALS = [None, "10s", "1m", "5m", "30m", "1h", "6h", "1d", "auto"]


@pytest.fixture(autouse=True)
def _held_clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def counted(api: Client, project: Project) -> list[tuple[int, int]]:
    """Count once in each of many buckets at its own time, and return each (timestamp, quantity)."""
    found, key = [], project.keys.get().public
    ages = sorted({*range(0, 2 * HOUR, 311), *range(0, 2 * DAY, 3500), *range(0, 410 * DAY, 3 * DAY)}, reverse=True)
    for number, age in enumerate(ages, start=1):
        with time_machine.travel(NOW - age, tick=False):
            assert count(api, {"quantity": number, "key": key}).status_code == 201
        found.append((NOW - age, number))
    return found


def told_since(response: Any) -> int:
    assert response.status_code == 200, response.content
    return int(response["X-Stats-Retained-Since"])


@pytest.mark.parametrize("age", AGES.values(), ids=AGES)
def test_outcomes_are_complete_or_told_since_when(api: Client, counted: list[tuple[int, int]], age: int) -> None:
    for interval in INTERVALS:
        query: dict[str, Any] = {"field": Q, "category": "error", "start": NOW - age, "end": NOW + 1}
        query |= {"interval": interval} if interval else {}
        for path, more in (("stats_v2", {}), ("stats_v2", {"groupBy": "project"}), ("stats-summary", {})):
            response = api.get(f"{ORGANIZATION}/{path}/", {**query, **more})
            answer = response.json()
            start = int(datetime.fromisoformat(answer["start"]).timestamp())
            groups = answer["groups"] if path == "stats_v2" else answer["projects"][0]["stats"]
            complete = max(start, told_since(response))
            assert groups[0]["totals"][Q] == sum(number for at, number in counted if at >= complete), (interval, path)
            assert complete == start or age == AGES["more than days are kept"]


@pytest.mark.parametrize("age", AGES.values(), ids=AGES)
@pytest.mark.parametrize("resolution", ["", "10s", "5m", "1h", "1d"])
def test_stats_are_complete_or_told_since_when(
    api: Client, project: Project, counted: list[tuple[int, int]], age: int, resolution: str
) -> None:
    key = project.keys.get().public
    for url in (STATS, f"{ORGANIZATION}/stats/", STATS.replace("/stats/", f"/keys/{key}/stats/")):
        query: dict[str, Any] = {"since": NOW - age, "until": NOW - age + 30 * 60, "resolution": resolution}
        response = api.get(url, query)
        since, used = told_since(response), int(response["X-Stats-Resolution"])
        points = [list(one.values())[:2] if isinstance(one, dict) else one for one in response.json()]
        for start, found in points:
            whole = sum(number for at, number in counted if start <= at < start + used)
            assert found == (whole if start >= since else 0)
        if not resolution and age < 400 * DAY:
            assert since <= points[0][0]
