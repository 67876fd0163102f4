from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from projects.demo_traffic import KINDS, SHAPES, Count, Shape, counts_of_day, first_day
from tsdb.outcomes import RECEIVED, Category
from tsdb.rollups import parse_rollups
from tsdb.units import DAY, HOUR

pytestmark = pytest.mark.once

NOW = int(datetime(2018, 11, 6, 12, 34, 56, tzinfo=UTC).timestamp())
ROLLUPS = parse_rollups("10s:360,1h:168,1d:90")
SHOP, QUIET, SPIKY = SHAPES


def counts(
    shape: Shape = SHOP,
    *,
    days: int = 90,
    events_per_day: int = 20_000,
    seed: str = "1",
    now: int = NOW,
    rollups: str = "10s:360,1h:168,1d:90",
) -> list[Count]:
    return [
        count
        for day in range(first_day(days, now), now + 1, DAY)
        for count in counts_of_day(
            shape, day, events_per_day=events_per_day, seed=seed, now=now, rollups=parse_rollups(rollups)
        )
    ]


def received(found: list[Count], seconds: int = DAY) -> Counter[int]:
    """Return the received errors in each bucket of this many seconds, by the start of the bucket."""
    sums: Counter[int] = Counter()
    for kind, timestamp, amount in found:
        if kind.category is Category.ERROR and kind.outcome in RECEIVED:
            sums[timestamp - timestamp % seconds] += amount
    return sums


def by_hour(found: list[Count], until: int) -> Counter[tuple[object, int]]:
    """Return the events of each kind in each hour that ended before `until`."""
    sums: Counter[tuple[object, int]] = Counter()
    for kind, timestamp, amount in found:
        if timestamp < until - until % HOUR:
            sums[kind, timestamp - timestamp % HOUR] += amount
    return sums


def test_the_shares_of_the_received_add_up_to_one() -> None:
    shares = [kind.share for kind in KINDS if kind.category is Category.ERROR and kind.outcome in RECEIVED]
    assert sum(shares) == pytest.approx(1)


def test_an_average_day_has_as_many_errors_as_asked_for() -> None:
    days = received(counts(events_per_day=10_000))
    whole = [days[day] for day in range(first_day(90, NOW), first_day(0, NOW), DAY)]
    assert len(whole) == 90
    assert sum(whole) / 90 == pytest.approx(10_000, rel=0.05)


def test_small_numbers_are_not_rounded_away() -> None:
    assert sum(received(counts(QUIET, events_per_day=25)).values()) == pytest.approx(90, rel=0.3)


def test_nothing_comes_before_the_first_day_or_after_now() -> None:
    timestamps = [count.timestamp for count in counts(days=3)]
    assert min(timestamps) >= first_day(3, NOW)
    assert NOW - 60 < max(timestamps) <= NOW


def test_the_same_seed_gives_the_same_counts_and_another_seed_others() -> None:
    assert counts(days=5) == counts(days=5)
    assert received(counts(days=5)) != received(counts(days=5, seed="2"))


def test_later_on_the_same_day_the_hours_before_are_the_same() -> None:
    earlier, later = NOW - 2 * HOUR, NOW
    then = by_hour(counts(days=2, now=earlier), earlier)
    assert then == by_hour(counts(days=2, now=later), earlier)
    assert {hour for _, hour in then} == set(range(first_day(2, NOW), earlier - earlier % HOUR, HOUR))


def test_the_hour_that_has_begun_only_grows() -> None:
    then = counts(days=0, now=NOW)
    later = counts(days=0, now=NOW + 600)
    assert then == [count for count in later if count.timestamp <= NOW]
    assert len(then) < len(later)


def test_fewer_days_are_the_end_of_more_days() -> None:
    assert counts(days=3) == counts(days=8)[-len(counts(days=3)) :]


def test_the_last_hour_lies_in_buckets_of_ten_seconds() -> None:
    recent = {timestamp for timestamp in received(counts(), 10) if timestamp > NOW - HOUR}
    assert len(recent) > 240


def test_the_last_week_lies_in_hours_and_what_is_older_in_days() -> None:
    hours = received(counts(), HOUR)
    week = NOW // HOUR * HOUR - 168 * HOUR
    assert set(range(week, NOW, HOUR)) <= set(hours)
    assert all(timestamp % DAY == 0 for timestamp in hours if timestamp < week)


@pytest.mark.parametrize(
    ("rollups", "days"), [("1h:24,1d:7", 7), ("1m:60,5m:288", 1), ("1d:30", 30), ("7s:100,49s:400", 0), ("10s:360", 0)]
)
def test_it_follows_any_rollups(rollups: str, days: int) -> None:
    found = counts(days=days, rollups=rollups)
    coarsest = parse_rollups(rollups)[-1]
    assert found
    assert max(count.timestamp for count in found) > NOW - 60 - coarsest.seconds
    retained = [count for count in found if coarsest.bucket(count.timestamp) >= coarsest.oldest_bucket(NOW)]
    assert len(retained) > len(found) / 2


def test_what_has_begun_is_not_counted_to_its_end() -> None:
    """This holds even if the finest bucket is a day."""
    today = received(counts(days=0, rollups="1d:30"))[first_day(0, NOW)]
    yesterday = received(counts(days=1, rollups="1d:30", now=NOW - NOW % DAY - 1 + DAY))[first_day(0, NOW)]
    assert 0 < today < 0.7 * yesterday


def test_the_shop_is_busy_in_the_evening_and_silent_in_the_morning() -> None:
    hours = received(counts(days=6), HOUR)
    noon = first_day(1, NOW)
    assert hours[noon + 19 * HOUR] > 3 * hours[noon + 7 * HOUR]


def test_the_shop_is_busier_at_the_weekend_and_the_quiet_one_rests() -> None:
    for shape, busier in ((SHOP, True), (QUIET, False)):
        days = received(counts(shape))
        weekend = [n for day, n in days.items() if datetime.fromtimestamp(day, UTC).weekday() >= 5]
        week = [n for day, n in days.items() if datetime.fromtimestamp(day, UTC).weekday() < 5]
        assert (sum(weekend) / len(weekend) > sum(week) / len(week)) == busier


def test_the_quiet_one_has_far_fewer_than_the_shop() -> None:
    assert sum(received(counts(QUIET)).values()) * 10 < sum(received(counts(SHOP)).values())


def test_only_the_spiky_one_has_hours_of_many_times_the_usual() -> None:
    # Hours are kept for the whole time, so every spike is visible.
    highest = {}
    for shape in SHAPES:
        hours = sorted(received(counts(shape, days=28, rollups="1h:2000"), HOUR).values())
        highest[shape] = hours[-1] / hours[len(hours) // 2]
    assert highest[SPIKY] > 8
    assert highest[SHOP] < 6
    assert highest[QUIET] < 6


def test_a_spike_is_cut_by_the_quota() -> None:
    hours = [count for count in counts(SPIKY, days=28, rollups="1h:2000") if count.kind.category is Category.ERROR]
    limited = sorted(count.amount for count in hours if count.kind.outcome == "rate_limited")
    assert limited[-1] > 100 * limited[len(limited) // 2]
