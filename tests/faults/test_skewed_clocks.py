"""Timestamps in the future, skewed clocks, clocks that step back, midnight and the leap second.

See docs/reliability.md#clocks.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from itertools import count as numbers

import pytest
import time_machine
from django.test import Client

from projects import services
from projects.models import SCOPES, Organization, Project
from tests.faults.asking import RESOLUTIONS, STATS, count, series, sums
from tsdb.store import Store

DAY = 86400
NOW = 1_541_455_200
MIDNIGHT = 1_541_462_400
LEAP = 1_483_228_800
"""2017-01-01T00:00:00Z. In POSIX time the second before it happened twice."""


def test_a_timestamp_more_than_a_minute_ahead_is_refused_by_name(api: Client, project: Project) -> None:
    with time_machine.travel(NOW, tick=False):
        assert count(api, {"timestamp": NOW + 60}).status_code == 201
        refused = count(api, {"timestamp": NOW + 61})
        assert refused.status_code == 400
        assert refused.json() == {
            "outcomes": [f"[0].timestamp: lies more than 60 seconds in the future; it is {NOW} now."]
        }


def test_a_server_whose_clock_runs_ahead_of_redis_counts_at_the_time_of_receipt(api: Client, project: Project) -> None:
    now = time.time()
    with time_machine.travel(now + 3 * DAY, tick=False):
        assert count(api, {"quantity": 5}).status_code == 201
    assert sums(api, since=now - 60, until=time.time() + 60) == [5, 5, 5]


def test_a_server_whose_clock_runs_ahead_wipes_nothing(api: Client, project: Project) -> None:
    now = time.time()
    assert count(api, {"quantity": 5}).status_code == 201
    with time_machine.travel(now + 400 * DAY, tick=False):
        assert count(api, {"quantity": 7}).status_code == 201
    assert sums(api, since=now - 60, until=time.time() + 60) == [12, 12, 12]


def test_a_server_whose_clock_runs_behind_counts_in_its_past_and_wipes_nothing(api: Client, project: Project) -> None:
    now = time.time()
    assert count(api, {"quantity": 5}).status_code == 201
    with time_machine.travel(now - 2 * DAY, tick=False):
        assert count(api, {"quantity": 7}).status_code == 201
    assert sums(api, since=now - 60, until=time.time() + 60)[0] == 5
    assert sum(series(api, since=now - 3 * DAY, resolution="1d").values()) == 12


def test_a_clock_that_steps_back_loses_nothing_and_all_resolutions_agree(api: Client, project: Project) -> None:
    for step, now in enumerate((NOW, NOW + 20, NOW - 15, NOW - 1, NOW + 21, NOW - 300)):
        with time_machine.travel(now, tick=False):
            assert count(api, {"quantity": 10**step}).status_code == 201
    with time_machine.travel(NOW + 30, tick=False):
        assert sums(api, since=NOW - 600, until=NOW + 30) == [111_111] * 3


def test_at_midnight_an_event_belongs_to_the_day_that_it_was_counted_on(api: Client, project: Project) -> None:
    for now in (MIDNIGHT - 0.000001, MIDNIGHT):
        with time_machine.travel(now, tick=False):
            assert count(api, {}).status_code == 201
            points = api.get(STATS).json()
            assert len(points) == 24
    with time_machine.travel(MIDNIGHT, tick=False):
        for resolution, seconds in RESOLUTIONS.items():
            found = series(api, since=MIDNIGHT - seconds, until=MIDNIGHT, resolution=resolution)
            assert found == {MIDNIGHT - seconds: 1, MIDNIGHT: 1}


def test_the_leap_second_counts_once_for_each_event(api: Client, project: Project) -> None:
    for now in (LEAP - 1, LEAP, LEAP - 1, LEAP - 0.5, LEAP, LEAP + 1):
        with time_machine.travel(now, tick=False):
            assert count(api, {}).status_code == 201
    with time_machine.travel(LEAP + 1, tick=False):
        assert sums(api, since=LEAP - 60, until=LEAP + 1) == [6, 6, 6]
        assert series(api, since=LEAP - 10, until=LEAP, resolution="10s") == {LEAP - 10: 3, LEAP: 3}


@pytest.fixture
def racing_clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Make each look at the clock return a time that is a day later than the one before."""
    looks: list[int] = []

    def look() -> int:
        looks.append(NOW * 10**9 + len(looks) * DAY * 10**9)
        return looks[-1]

    monkeypatch.setattr(time, "time_ns", look)
    monkeypatch.setattr(time, "time", lambda: look() / 1e9)
    return looks


def test_a_request_looks_at_the_clock_once(
    api: Client, project: Project, organization: Organization, store: Store, racing_clock: list[int]
) -> None:
    expires = datetime.fromtimestamp(NOW + 3600, UTC)
    secret = services.create_token(organization=organization, scopes=SCOPES, expires=expires).secret
    headers = {"authorization": f"Bearer {secret}"}
    services.open_project(project.pk)  # otherwise opening the project would look at the clock as well
    racing_clock.clear()
    response = api.get(f"{STATS}?resolution=1d", headers=headers)
    assert (response.status_code, response.json()[-1][0]) == (200, NOW // DAY * DAY)
    assert len(racing_clock) == 1
    racing_clock.clear()
    assert count(api, {"quantity": 3}, **headers).status_code == 201
    assert len(racing_clock) == 1
    racing_clock.clear()
    assert series(api, since=NOW - 60, until=NOW, resolution="10s") == {NOW: 3}


def test_every_key_that_expires_does_so_in_the_future_whatever_the_clock_says(
    api: Client, project: Project, store: Store
) -> None:
    for number, now in zip(numbers(), (NOW, 0, LEAP - 1, time.time() + 3 * DAY), strict=False):
        with time_machine.travel(now, tick=False):
            count(api, {}, **{"idempotency-key": str(number)})
    lives = {key: store.clients.read.ttl(key) for key in store.clients.read.scan_iter("ts:{*}:*:*")}
    assert lives
    assert all(seconds > 0 for seconds in lives.values()), lives
