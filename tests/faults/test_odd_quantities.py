"""Quantities that are not a count, and a count that reaches 2^63.

See docs/reliability.md#odd-quantities.
"""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.test import Client

from projects.models import Project
from tests.faults.asking import OUTCOMES, count, series, sums
from tsdb import series as names
from tsdb.outcomes import Category, Outcome
from tsdb.rollups import LARGEST
from tsdb.store import Store

BAD_QUANTITIES = (
    "0", "-1", "1.5", "1.0", "1e0", "1e9", "1e30", "1" + "0" * 30, "-" + "1" + "0" * 30, str(10**9 + 1), str(2**63),
    str(2**64), "true", "false", '"3"', '""', "[]", "[1]", "{}",
)  # fmt: skip


@pytest.mark.parametrize("quantity", BAD_QUANTITIES)
def test_what_is_no_count_is_400_and_nothing_is_counted(api: Client, project: Project, quantity: str) -> None:
    body = f'{{"outcomes": [{{"outcome": "accepted"}}, {{"outcome": "accepted", "quantity": {quantity}}}]}}'
    response = api.post(OUTCOMES, body, content_type="application/json")
    assert response.status_code == 400
    assert response.json() == {"outcomes": ["[1].quantity: must be an integer from 1 to 1000000000."]}
    assert _now(api) == [0, 0, 0]


@pytest.mark.parametrize("quantity", ["NaN", "Infinity", "-Infinity", "1e400", "01", "+1", "0x1", "1_0"])
def test_what_is_no_json_is_400(api: Client, project: Project, quantity: str) -> None:
    body = f'{{"outcomes": [{{"outcome": "accepted", "quantity": {quantity}}}]}}'
    response = api.post(OUTCOMES, body, content_type="application/json")
    assert response.status_code == 400
    assert _now(api) == [0, 0, 0]


@pytest.mark.parametrize("quantity", [None, 1, 10**9])
def test_a_count_within_bounds_is_counted(api: Client, project: Project, quantity: int | None) -> None:
    assert count(api, {"quantity": quantity}).json() == {"accepted": quantity or 1}
    assert _now(api) == [quantity or 1] * 3


def test_the_largest_request_is_counted_in_full(api: Client, project: Project) -> None:
    assert count(api, *[{"quantity": 10**9}] * 1000).json() == {"accepted": 10**12}
    assert _now(api) == [10**12] * 3


def test_a_count_stops_at_the_largest_and_is_never_negative(api: Client, project: Project, store: Store) -> None:
    assert count(api, {}).status_code == 201
    now = int(time.time())
    accepted = names.total(project.pk, Category.ERROR, Outcome.ACCEPTED)
    store.incr([accepted], now, now=now, amount=LARGEST - 2)
    for _ in range(3):
        assert count(api, {"quantity": 10**9}).status_code == 201
    for resolution in ("1h", "1d"):
        found = series(api, since=now - 86400, resolution=resolution)
        assert max(found.values()) == LARGEST
        assert min(found.values()) > 0
    assert _total(api) == LARGEST


def test_the_sum_of_several_full_counts_is_no_less_than_each(api: Client, project: Project, store: Store) -> None:
    assert count(api, {}).status_code == 201
    now = int(time.time())
    for outcome in (Outcome.ACCEPTED, Outcome.FILTERED, Outcome.RATE_LIMITED):
        store.incr([names.total(project.pk, Category.ERROR, outcome)], now, now=now, amount=LARGEST)
    assert _total(api) == 3 * LARGEST


def _now(api: Client) -> list[int]:
    return sums(api, since=time.time() - 60, until=time.time())


def _total(api: Client) -> Any:
    """Return the total at the resolution of a day, from two buckets because of midnight."""
    return max(series(api, since=time.time() - 86400, resolution="1d").values())
