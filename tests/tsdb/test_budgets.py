"""Budgets: their windows, the rollups that make them up, and what is used of them."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsdb.budgets import MONTH, Budget, BudgetUse, open_window, read_uses, rollup_for
from tsdb.rollups import DEFAULT_ROLLUPS, parse_rollups
from tsdb.series import total
from tsdb.store import Increment, Store
from tsdb.units import DAY, HOUR, MINUTE

DEFAULT = parse_rollups(DEFAULT_ROLLUPS)
NOW = int(datetime(2024, 2, 29, 12, tzinfo=UTC).timestamp())


def at(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp())  # type: ignore[arg-type, misc]


def test_a_window_begins_at_a_multiple_of_its_length() -> None:
    assert open_window(300, 1_000_000_123) == (1_000_000_000 - 100, 1_000_000_200)
    assert open_window(300, 1_000_000_200) == (1_000_000_200, 1_000_000_500)


@pytest.mark.parametrize(
    ("now", "window"),
    [
        (at(2023, 2, 28, 23, 59, 59), (at(2023, 2, 1), at(2023, 3, 1))),
        (at(2024, 2, 29, 23, 59, 59), (at(2024, 2, 1), at(2024, 3, 1))),
        (at(2024, 3, 1), (at(2024, 3, 1), at(2024, 4, 1))),
        (at(2025, 12, 31, 23, 59, 59), (at(2025, 12, 1), at(2026, 1, 1))),
    ],
)
def test_a_month_is_that_of_the_calendar(now: int, window: tuple[int, int]) -> None:
    assert open_window(MONTH, now) == window


@given(st.integers(0, at(2400, 1, 1)))
def test_months_are_as_long_as_in_a_calendar(now: int) -> None:
    start, until = open_window(MONTH, now)
    moment = datetime.fromtimestamp(now, UTC)
    assert start <= now < until
    assert until - start == calendar.monthrange(moment.year, moment.month)[1] * DAY


@pytest.mark.parametrize(
    ("window", "seconds"),
    [(MINUTE, 10), (300, 300), (90 * MINUTE, 300), (HOUR, HOUR), (36 * HOUR, HOUR), (DAY, DAY), (31 * DAY, DAY)]
    + [(MONTH, DAY), (50, 10)],
)
def test_the_use_is_read_from_the_coarsest_resolution_that_fits(window: int, seconds: int) -> None:
    rollup = rollup_for(window, DEFAULT)
    assert rollup is not None
    assert rollup.seconds == seconds


def test_a_window_that_no_resolution_makes_up_has_none() -> None:
    assert rollup_for(61 * MINUTE, DEFAULT) is None
    assert rollup_for(MONTH, parse_rollups("10s:360,7d:100")) is None


def test_the_forecast_goes_on_at_the_pace_so_far() -> None:
    use = BudgetUse(used=300, limit=1000, start=0, until=1000)
    assert use.ratio == 0.3
    assert [use.forecast(now) for now in (9, 10, 300, 999, 1000, 5000)] == [None, 30_000, 1000, 300, 300, 300]
    assert BudgetUse(0, 0, 0, 1000).ratio == 1.0


def test_the_budgets_of_many_projects_are_read_in_several_calls(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tsdb.budgets.MOST_PROJECTS", 2)
    for project in range(1, 6):
        store.open(project)
        store.incr_multi([Increment(total(project, "error", "accepted"), NOW, project)], now=NOW)
    budgets = {project: [Budget(10 + project, "error", 9, HOUR)] for project in range(1, 6)}
    uses = read_uses(store, budgets, now=NOW)
    assert {number: use.used for number, use in uses.items()} == {11: 1, 12: 2, 13: 3, 14: 4, 15: 5}


def test_the_use_is_what_is_counted_as_accepted_in_the_open_window(store: Store) -> None:
    for project in (7, 8):
        store.open(project)
    errors, sessions = total(7, "error", "accepted"), total(7, "session", "accepted")
    store.incr_multi(
        [
            Increment(errors, NOW, 3),
            Increment(errors, at(2024, 2, 1), 4),
            Increment(errors, at(2024, 1, 31, 23, 59, 59), 50),
            Increment(sessions, NOW - 1, 6),
            Increment(total(7, "error", "rate_limited"), NOW, 7),
            Increment(total(8, "error", "accepted"), NOW - HOUR + 10, 8),
        ],
        now=NOW,
    )
    budgets = {
        7: [Budget(1, "error", 10, MONTH), Budget(2, "error", 10, HOUR), Budget(3, "session", 5, HOUR)],
        8: [Budget(4, "error", 10, 61 * MINUTE), Budget(5, "error", 0, 2 * HOUR), Budget(6, "span", 1, DAY)],
    }
    assert read_uses(store, budgets, now=NOW) == {
        1: BudgetUse(7, 10, at(2024, 2, 1), at(2024, 3, 1)),
        2: BudgetUse(3, 10, NOW, NOW + HOUR),
        3: BudgetUse(0, 5, NOW, NOW + HOUR),
        5: BudgetUse(0, 0, NOW, NOW + 2 * HOUR),
        6: BudgetUse(0, 1, at(2024, 2, 29), at(2024, 3, 1)),
    }
    assert read_uses(store, {}, now=NOW) == read_uses(store, {7: []}, now=NOW) == {}
