"""What keys used of their quotas, read from where intake counts it."""

from __future__ import annotations

from tsdb.arrivals import Arrival, Quota, new_submission
from tsdb.intake import Intake
from tsdb.outcomes import Category, Outcome
from tsdb.quotas import QuotaUse, read_uses
from tsdb.series import of_event
from tsdb.store import Increment, Store

PROJECT = 7
NOW = 1_541_455_230
"""Half a minute into a minute."""


def accept(store: Store, quota: Quota, *, times: int) -> None:
    version = store.open(PROJECT)
    for _ in range(times):
        series = of_event(PROJECT, quota.key, Category.ERROR, Outcome.ACCEPTED)
        arrival = Arrival(None, Outcome.ACCEPTED, [Increment(one, NOW) for one in series], quota)
        Intake(store, 0).count(PROJECT, version, arrival, new_submission(), now=NOW)


def test_the_use_is_what_intake_counted_and_the_window_is_the_same(store: Store) -> None:
    small, large = Quota(1, 5, 60), Quota(2, 100, 3600)
    accept(store, small, times=7)  # two of them are refused, and take nothing
    accept(store, large, times=3)
    assert read_uses(store, PROJECT, [small, large, Quota(3, 9, 60)], now=NOW) == {
        1: QuotaUse(5, 5, NOW + 30),
        2: QuotaUse(3, 100, NOW - NOW % 3600 + 3600),
        3: QuotaUse(0, 9, NOW + 30),
    }
    assert read_uses(store, PROJECT, [small], now=NOW + 29)[1].is_used_up
    assert read_uses(store, PROJECT, [small], now=NOW + 30)[1] == QuotaUse(0, 5, NOW + 90)


def test_no_quota_needs_no_read(store: Store) -> None:
    assert read_uses(store, PROJECT, [], now=NOW) == {}


def test_a_quota_of_nothing_is_always_used_up(store: Store) -> None:
    assert read_uses(store, PROJECT, [Quota(1, 0, 60)], now=NOW)[1].is_used_up
