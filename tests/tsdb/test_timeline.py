"""The time arithmetic of a query, against the contract's own words."""

from __future__ import annotations

from fractions import Fraction
from math import trunc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsdb.rollups import FUTURE_SECONDS, Rollup, parse_rollups
from tsdb.timeline import NS, Window, choose_rollup, points_of, roll_up, window

ROLLUPS = parse_rollups("10s:360,1h:168,1d:90")
FINE, HOURS, DAYS = ROLLUPS
NOW = 1_541_455_200 * NS + 123_456_789

lengths = st.sampled_from([1, 7, 10, 60, 3600, 86400])
instants = st.integers(-62_135_596_800 * NS, 253_402_300_799 * NS)
steps = st.integers(0, 300)
rests = st.integers(0, NS * 86400 - 1)


@given(lengths, instants, steps, rests)
def test_it_steps_back_from_until_as_the_contract_says(seconds: int, until: int, number: int, rest: int) -> None:
    since = until - number * seconds * NS - rest % (seconds * NS)
    expected = []
    instant = until
    while instant >= since:
        expected.append(instant // (seconds * NS) * seconds)
        instant -= seconds * NS
    found = window(Rollup(seconds, 5), since, until)
    assert found.timestamps() == sorted(expected)


@given(lengths, instants, steps, rests)
def test_a_series_is_ascending_in_steps_aligned_and_holds_the_bucket_of_until(
    seconds: int, until: int, number: int, rest: int
) -> None:
    since = until - number * seconds * NS - rest % (seconds * NS)
    rollup = Rollup(seconds, 5)
    found = window(rollup, since, until)
    starts = found.timestamps()
    assert all(later - earlier == seconds for earlier, later in zip(starts, starts[1:], strict=False))
    assert all(start % seconds == 0 for start in starts)
    assert starts[-1] * NS <= until < (starts[-1] + seconds) * NS
    assert len(starts) == found.points == points_of(rollup, since, until) == (until - since) // (seconds * NS) + 1


def test_equal_ends_are_one_point() -> None:
    assert window(HOURS, NOW, NOW).timestamps() == [NOW // NS]


def test_a_nanosecond_decides_whether_the_bucket_of_since_is_met() -> None:
    hour = 3600 * NS
    assert window(HOURS, NOW - hour, NOW).points == 2
    assert window(HOURS, NOW - hour + 1, NOW).points == 1


def test_instants_before_the_epoch_are_floored_too() -> None:
    assert window(FINE, -15 * NS, -1).timestamps() == [-20, -10]


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (NOW - 3600 * NS, NOW, FINE),
        (NOW - 3601 * NS, NOW, HOURS),
        (NOW - 86399 * NS, NOW, HOURS),
        (NOW - 7 * 86400 * NS, NOW, HOURS),
        (NOW - 8 * 86400 * NS, NOW, DAYS),
        (NOW - 91 * 86400 * NS, NOW, DAYS),
        # a short window of long ago: the finest that still holds its start
        (NOW - 3 * 86400 * NS, NOW - 3 * 86400 * NS + 60 * NS, HOURS),
        (NOW - 7 * 86400 * NS - 1, NOW - 7 * 86400 * NS + 60 * NS, DAYS),
        (NOW - 3600 * NS - 1, NOW - 3540 * NS, HOURS),
        # nothing holds it any more: the length alone decides
        (NOW - 91 * 86400 * NS, NOW - 91 * 86400 * NS + 60 * NS, FINE),
        (NOW - 91 * 86400 * NS, NOW - 90 * 86400 * NS - 1, HOURS),
        # and a window in the future is held by all
        (NOW + 86400 * NS, NOW + 86400 * NS + 60 * NS, FINE),
    ],
)
def test_it_chooses_the_resolution(since: int, until: int, expected: Rollup) -> None:
    assert choose_rollup(ROLLUPS, since, until, NOW) == expected


def test_the_length_is_counted_in_whole_seconds_of_both_ends() -> None:
    half = NS // 2
    # trunc(until) - trunc(since) is 3600, though almost 3601 seconds lie between, and the future needs no holding
    assert choose_rollup(ROLLUPS, NS, 3601 * NS + NS - 1, 0) == FINE
    # 1.5 - (-3599.5) is 3601 seconds; trunc(1.5) - trunc(-3599.5) is 3600
    assert choose_rollup(ROLLUPS, -3599 * NS - half, NS + half, -3599 * NS) == FINE


@given(instants, st.integers(0, 10**8 * NS), st.integers(0, 10**8 * NS))
def test_the_chosen_resolution_is_the_finest_that_covers_the_window_and_holds_its_start(
    until: int, length: int, age: int
) -> None:
    since, now = until - length, until + age
    chosen = choose_rollup(ROLLUPS, since, until, now)
    finer = ROLLUPS[: ROLLUPS.index(chosen)]

    def covers(rollup: Rollup) -> bool:
        return rollup.span >= trunc(Fraction(until, NS)) - trunc(Fraction(since, NS))

    def holds(rollup: Rollup) -> bool:
        return since >= now - rollup.span * NS

    assert covers(chosen) or chosen is DAYS
    if holds(DAYS):
        assert holds(chosen)
    assert not [rollup for rollup in finer if covers(rollup) and holds(rollup)]


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**12))), st.sampled_from([10, 3600, 86400]))
def test_rolling_up_keeps_the_sum_and_aligns(counts: list[tuple[int, int]], seconds: int) -> None:
    found = roll_up(counts, seconds)
    assert sum(count for _, count in found) == sum(count for _, count in counts)
    assert [start for start, _ in found] == sorted({timestamp // seconds * seconds for timestamp, _ in counts})


def test_rolling_up_in_two_steps_is_rolling_up_in_one() -> None:
    counts = [(timestamp, timestamp % 7) for timestamp in range(0, 200_000, 10)]
    assert roll_up(roll_up(counts, 3600), 86400) == roll_up(counts, 86400)


@given(st.sampled_from(ROLLUPS), st.integers(-2000, 2000), st.integers(0, 3000), st.data())
def test_what_can_be_held_is_a_part_of_the_window_and_widens_to_it(
    rollup: Rollup, offset: int, length: int, data: st.DataObject
) -> None:
    now = NOW // NS
    first = rollup.bucket(now) + offset
    asked = Window(rollup, first, first + length)
    held = asked.held(now)
    retained = range(rollup.oldest_bucket(now), rollup.bucket(now + FUTURE_SECONDS) + 1)
    buckets = [bucket for bucket in range(asked.first, asked.last + 1) if bucket in retained]
    assert [start // rollup.seconds for start in held.timestamps()] == buckets

    counts = data.draw(st.sampled_from([[], [7] * held.points]))
    widened = dict(zip(asked.timestamps(), asked.widen(counts, held), strict=True))
    assert {start // rollup.seconds for start, count in widened.items() if count} == (set(buckets) if counts else set())
