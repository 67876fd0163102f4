"""Outcomes that come hours, days or months late: each is counted only at the resolutions that still retain its time.

See docs/reliability.md#late-outcomes.
"""

from __future__ import annotations

import pytest
import time_machine
from django.test import Client

from projects.models import Project
from tests.faults.asking import count, series, sums
from tests.tsdb.tools import keys_of
from tsdb.store import Store

NOW = 1_541_455_200
HOUR, DAY = 3600, 86400


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (HOUR + 60, [7, 7, 7, 12]),
        (2 * HOUR, [0, 7, 7, 12]),
        (8 * DAY, [0, 0, 7, 7]),
        (33 * DAY, [0, 0, 0, 7]),
        (400 * DAY, [0, 0, 0, 7]),
    ],
)
def test_it_is_counted_where_it_is_retained_alone(
    api: Client, project: Project, store: Store, age: int, expected: list[int]
) -> None:
    with time_machine.travel(NOW, tick=False):
        assert count(api, {"quantity": 5}).status_code == 201
        before = keys_of(store, project.pk)
        fine = series(api, since=NOW - 3600, until=NOW, resolution="10s")
        assert count(api, {"quantity": 7, "timestamp": NOW - age}).status_code == 201
        assert series(api, since=NOW - 3600, until=NOW, resolution="10s") == fine
        assert keys_of(store, project.pk) == before
        late = [
            series(api, since=NOW - age, until=NOW - age, resolution=resolution)
            for resolution in ("10s", "5m", "1h", "1d")
        ]
        assert [sum(found.values()) for found in late] == expected


def test_one_that_is_older_than_everything_is_refused_with_the_longest_retention(api: Client, project: Project) -> None:
    with time_machine.travel(NOW, tick=False):
        refused = count(api, {"quantity": 5}, {"timestamp": NOW - 402 * DAY})
        assert refused.status_code == 400
        assert refused.json() == {"outcomes": ["[1].timestamp: is older than the longest retention, 34560000 seconds."]}
        assert sums(api, since=NOW - 600, until=NOW) == [0, 0, 0], "all or nothing"


def test_late_and_on_time_in_one_request_agree_wherever_they_are_retained(api: Client, project: Project) -> None:
    with time_machine.travel(NOW, tick=False):
        ages = [0, 60, 3600, 2 * HOUR, 2 * DAY, 8 * DAY, 80 * DAY]
        assert count(api, *({"timestamp": NOW - age} for age in ages)).status_code == 201
        assert sum(series(api, since=NOW - 90 * DAY, resolution="1d").values()) == 7
        assert sum(series(api, since=NOW - 7 * DAY, resolution="1h").values()) == 5
        assert sum(series(api, since=NOW - HOUR, resolution="10s").values()) == 3
