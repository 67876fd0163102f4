"""The time arithmetic of a query, compared with docs/contract.md#series taken literally."""

from __future__ import annotations

from fractions import Fraction
from math import trunc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsdb.rollups import FUTURE_SECONDS, PAST_SECONDS, Rollup, parse_rollups
from tsdb.timeline import Retention, Window, choose_interval, choose_rollup, points_of, roll_up, window
from tsdb.units import NS

pytestmark = pytest.mark.once

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
    assert list(found.timestamps()) == sorted(expected)


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
    assert list(window(HOURS, NOW, NOW).timestamps()) == [NOW // NS]


def test_a_nanosecond_decides_whether_the_bucket_of_since_is_met() -> None:
    hour = 3600 * NS
    assert window(HOURS, NOW - hour, NOW).points == 2
    assert window(HOURS, NOW - hour + 1, NOW).points == 1


def test_instants_before_the_epoch_are_floored_too() -> None:
    assert list(window(FINE, -15 * NS, -1).timestamps()) == [-20, -10]


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (NOW - 3600 * NS, NOW, FINE),
        (NOW - 3601 * NS, NOW, HOURS),
        (NOW - 86399 * NS, NOW, HOURS),
        (NOW - 7 * 86400 * NS, NOW, HOURS),
        (NOW - 8 * 86400 * NS, NOW, DAYS),
        (NOW - 91 * 86400 * NS, NOW, DAYS),
        # a short window of long ago: the finest rollup that still holds its start, 60 seconds longer than its span
        (NOW - 3 * 86400 * NS, NOW - 3 * 86400 * NS + 60 * NS, HOURS),
        (NOW - (7 * 86400 + 60) * NS, NOW - 7 * 86400 * NS, HOURS),
        (NOW - (7 * 86400 + 60) * NS - 1, NOW - 7 * 86400 * NS, DAYS),
        (NOW - 3660 * NS, NOW - 3540 * NS, FINE),
        (NOW - 3660 * NS - 1, NOW - 3540 * NS, HOURS),
        # no rollup holds its start any more: only its length decides
        (NOW - 91 * 86400 * NS, NOW - 91 * 86400 * NS + 60 * NS, FINE),
        (NOW - 91 * 86400 * NS, NOW - 90 * 86400 * NS - 1, HOURS),
        # every rollup holds a window in the future
        (NOW + 86400 * NS, NOW + 86400 * NS + 60 * NS, FINE),
    ],
)
def test_it_chooses_the_resolution(since: int, until: int, expected: Rollup) -> None:
    assert choose_rollup(ROLLUPS, since, until, Retention(NOW)) == expected


@pytest.mark.parametrize("length", [0, 60, 3000, 3600, 7200, 86400])
@pytest.mark.parametrize("age", [0, 2 * 3600, 20 * 3600])
def test_a_resolution_without_an_automatic_span_is_never_chosen(length: int, age: int) -> None:
    """It is not chosen even for an instant, which any span would cover."""
    rollups = parse_rollups("10s:360,5m:300:0,1h:768:168,1d:400:90")
    until = NOW - age * NS
    assert choose_rollup(rollups, until - length * NS, until, Retention(NOW)) != rollups[1]


@pytest.mark.parametrize(
    ("filled", "days", "expected"),
    [
        # hours that were kept for a week are kept for a month from now on: they are complete for a week
        ({3600: 7}, 7, HOURS),
        ({3600: 7}, 7.01, DAYS),
        # days are new: they were filled from the hours
        ({86400: 5}, 5, HOURS),
        ({86400: 5}, 6, HOURS),
        ({3600: 3, 86400: 5}, 4, DAYS),
        # only the hours go back so far, though they are not chosen for so long a window otherwise
        ({86400: 5}, 7.5, HOURS),
        # no rollup goes back so far
        ({3600: 3, 86400: 5}, 6, HOURS),
    ],
)
def test_it_chooses_what_is_complete_after_a_change(filled: dict[int, int], days: float, expected: Rollup) -> None:
    rollups = (FINE, Rollup(3600, 768, 168), Rollup(86400, 400, 90))
    now = NOW // NS
    retention = Retention(NOW, {seconds: now - age * 86400 for seconds, age in filled.items()})
    found = choose_rollup(rollups, NOW - NOW % NS - int(days * 86400) * NS, NOW, retention)
    assert found.seconds == expected.seconds


@pytest.mark.parametrize(
    ("asked", "age", "expected"),
    [
        # an interval that is held is answered as asked, from the coarsest resolution that divides it
        (10, 3600, (10, 10)),
        (60, 3600, (60, 10)),
        (300, 86400, (300, 300)),
        (1800, 86400, (1800, 300)),
        (3600, 32 * 86400, (3600, 3600)),
        (21600, 31 * 86400, (21600, 3600)),
        (86400, 400 * 86400, (86400, 86400)),
        # an interval that is not held is answered by the next one that is
        (10, 2 * 3600, (300, 300)),
        (60, 2 * 3600, (300, 300)),
        (450, 2 * 3600, (600, 300)),
        (1800, 7 * 86400, (3600, 3600)),
        (5400, 7 * 86400, (7200, 3600)),
        (3600, 60 * 86400, (86400, 86400)),
        (21600, 60 * 86400, (86400, 86400)),
        # older than all rollups: the interval that goes back furthest
        (10, 500 * 86400, (86400, 86400)),
        (86400, 500 * 86400, (86400, 86400)),
        # every rollup holds the future
        (10, -86400, (10, 10)),
    ],
)
def test_it_chooses_the_finest_complete_interval(asked: int, age: int, expected: tuple[int, int]) -> None:
    rollups = parse_rollups("10s:360,5m:300:0,1h:768:168,1d:400:90")
    found = choose_interval(rollups, asked, NOW // NS - age, Retention(NOW))
    assert found is not None
    assert (found[0], found[1].seconds) == expected


@pytest.mark.parametrize(
    ("filled", "asked", "age", "expected"),
    [
        ({3600: 7}, 3600, 7, (3600, 3600)),
        ({3600: 7}, 3600, 8, (86400, 86400)),
        ({3600: 7}, 21600, 8, (86400, 86400)),
        # days are complete for a shorter time than hours: a day is the sum of its hours
        ({86400: 5}, 86400, 8, (86400, 3600)),
        ({86400: 5}, 3600, 40, (3600, 3600)),
        ({300: 1, 3600: 1}, 300, 2, (86400, 86400)),
    ],
)
def test_it_chooses_the_finest_interval_that_is_complete_after_a_change(
    filled: dict[int, int], asked: int, age: int, expected: tuple[int, int]
) -> None:
    rollups = parse_rollups("10s:360,5m:300:0,1h:768:168,1d:400:90")
    midnight = NOW // NS // 86400 * 86400
    retention = Retention(NOW, {seconds: midnight - days * 86400 for seconds, days in filled.items()})
    found = choose_interval(rollups, asked, midnight - age * 86400, retention)
    assert found is not None
    assert (found[0], found[1].seconds) == expected


@pytest.mark.parametrize(
    ("rollups", "asked", "age", "expected"),
    [
        ("1m:60,2d:30", 3600, 86400, (172800, 172800)),
        ("2d:30", 172800, 0, (172800, 172800)),
        ("7s:100,49s:400", 3600, 0, None),
    ],
)
def test_an_interval_is_made_of_what_is_kept(
    rollups: str, asked: int, age: int, expected: tuple[int, int] | None
) -> None:
    found = choose_interval(parse_rollups(rollups), asked, NOW // NS - age, Retention(NOW))
    assert (found and (found[0], found[1].seconds)) == expected


def test_the_length_is_counted_in_whole_seconds_of_both_ends() -> None:
    half = NS // 2
    # trunc(until) - trunc(since) is 3600, though almost 3601 seconds lie between. Every rollup holds the future.
    assert choose_rollup(ROLLUPS, NS, 3601 * NS + NS - 1, Retention(0)) == FINE
    # 1.5 - (-3599.5) is 3601 seconds; trunc(1.5) - trunc(-3599.5) is 3600
    assert choose_rollup(ROLLUPS, -3599 * NS - half, NS + half, Retention(-3599 * NS)) == FINE


@given(instants, st.integers(0, 10**8 * NS), st.integers(0, 10**8 * NS))
def test_the_chosen_resolution_is_the_finest_that_covers_the_window_and_holds_its_start(
    until: int, length: int, age: int
) -> None:
    since, now = until - length, until + age
    chosen = choose_rollup(ROLLUPS, since, until, Retention(now))
    finer = ROLLUPS[: ROLLUPS.index(chosen)]

    def covers(rollup: Rollup) -> bool:
        return rollup.span >= trunc(Fraction(until, NS)) - trunc(Fraction(since, NS))

    def holds(rollup: Rollup) -> bool:
        return since >= now - (rollup.span + PAST_SECONDS) * NS

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


def test_a_rollup_is_complete_since_its_oldest_bucket_or_since_it_was_filled() -> None:
    now, days = NOW // NS, DAYS.seconds
    oldest = (now - PAST_SECONDS) // days * days - DAYS.span
    assert Retention(NOW).since(DAYS) == Retention(NOW, {3600: now}).since(DAYS) == oldest
    assert Retention(NOW, {days: oldest + days}).since(DAYS) == oldest + days
    assert Retention(NOW, {days: oldest - days}).since(DAYS) == oldest
