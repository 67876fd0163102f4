"""Days of time zones, compared with the clocks of the people there."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsdb.local_days import day_start, first_day_from, local_days
from tsdb.rollups import Rollup
from tsdb.timeline import Window, window
from tsdb.units import DAY, NS

pytestmark = pytest.mark.once

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",  # midnight did not exist on the first day of summer
    "America/Havana",  # midnight comes twice on the last day of summer
    "America/St_Johns",  # the clocks changed a minute after midnight, to the day before
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",  # changes by half an hour
    "Pacific/Apia",  # had no 30 December 2011
    "Pacific/Kiritimati",
    "UTC",
]
zones = st.sampled_from(ZONES).map(ZoneInfo)
instants = st.integers(0, 2_000_000_000 * NS)


def instant(text: str, zone: ZoneInfo = BERLIN) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp())


def hours(zone: str, day: str) -> float:
    start = day_start(ZoneInfo(zone), date.fromisoformat(day))
    return (first_day_from(ZoneInfo(zone), start + 1) - start) / 3600


@pytest.mark.parametrize(
    ("zone", "day", "start", "length"),
    [
        ("Europe/Berlin", "2018-11-05", "2018-11-04T23:00:00+00:00", 24),
        ("Europe/Berlin", "2018-10-28", "2018-10-27T22:00:00+00:00", 25),
        ("Europe/Berlin", "2018-03-25", "2018-03-24T23:00:00+00:00", 23),
        ("Asia/Kolkata", "2018-11-05", "2018-11-04T18:30:00+00:00", 24),
        # 4 November 2018 began at one o'clock there
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00+00:00", 23),
        ("America/Sao_Paulo", "2018-02-17", "2018-02-17T02:00:00+00:00", 25),
        # at one o'clock it was midnight again, of the same day
        ("America/Havana", "2018-11-04", "2018-11-04T04:00:00+00:00", 25),
        # a minute after midnight it was 23:01 of the day before
        ("America/St_Johns", "2010-11-07", "2010-11-07T03:30:00+00:00", 24),
        ("Australia/Lord_Howe", "2018-10-07", "2018-10-06T13:30:00+00:00", 23.5),
    ],
)
def test_a_day_begins_at_its_local_midnight(zone: str, day: str, start: str, length: float) -> None:
    assert day_start(ZoneInfo(zone), date.fromisoformat(day)) == datetime.fromisoformat(start).timestamp()
    assert hours(zone, day) == length


@given(zones, instants)
def test_the_day_of_an_instant_holds_it(zone: ZoneInfo, until: int) -> None:
    days = local_days(zone, until, until)
    (start,) = days.starts
    assert start <= until // NS < days.end
    assert datetime.fromtimestamp(start - 1, zone).date() < datetime.fromtimestamp(until // NS, zone).date()


@given(zones, instants, st.integers(0, 40 * DAY * NS))
def test_it_steps_back_by_days_of_the_local_clock(zone: ZoneInfo, until: int, length: int) -> None:
    since = until - length
    expected = []
    clock, steps = datetime.fromtimestamp(until // NS, zone).replace(tzinfo=None), 0
    while True:
        step = (clock - timedelta(days=steps)).replace(tzinfo=zone)
        at = int(step.timestamp()) * NS + until % NS if steps else until
        if at < since:
            break
        expected.append(step.date())
        steps += 1
    assert list(local_days(zone, since, until).starts) == sorted({day_start(zone, day) for day in expected})


@given(instants, st.integers(0, 40 * DAY * NS))
def test_days_of_utc_are_those_of_the_resolution_of_a_day(until: int, length: int) -> None:
    days = local_days(ZoneInfo("UTC"), until - length, until)
    assert days.starts == tuple(window(Rollup(DAY, 90), until - length, until).timestamps())


def test_a_date_that_a_zone_left_out_has_no_day() -> None:
    apia = ZoneInfo("Pacific/Apia")
    until = instant("2011-12-31T12:00:00", apia)
    days = local_days(apia, (until - 2 * DAY) * NS, until * NS)
    assert [datetime.fromtimestamp(start, apia).date().isoformat() for start in days.starts] == [
        "2011-12-28",
        "2011-12-29",
        "2011-12-31",
    ]


def test_an_hour_decides_on_a_day_of_23() -> None:
    until = instant("2018-03-25T12:00:00")
    assert len(local_days(BERLIN, (until - 23 * 3600) * NS, until * NS).starts) == 2
    assert len(local_days(BERLIN, (until - 23 * 3600) * NS + 1, until * NS).starts) == 1


def test_the_buckets_of_a_day_add_up_to_it() -> None:
    since, until = instant("2018-10-27T12:00:00"), instant("2018-10-29T12:00:00")
    days = local_days(BERLIN, since * NS, until * NS)
    whole = days.window(Rollup(3600, 768))
    assert (whole.points, len(days.starts)) == (24 + 25 + 24, 3)
    assert days.add_up(whole, [1] * whole.points) == [24, 25, 24]
    part = Window(whole.rollup, whole.first + 23, whole.first + 24)
    assert days.add_up(part, [3, 5]) == [3, 5, 0]


@pytest.mark.parametrize(
    ("zone", "seconds", "divides"),
    [
        ("Europe/Berlin", 3600, True),
        ("Europe/Berlin", DAY, False),
        ("Asia/Kolkata", 3600, False),
        ("Asia/Kolkata", 300, True),
        ("Asia/Kathmandu", 1800, False),
        ("Asia/Kathmandu", 900, True),
        ("Africa/Abidjan", DAY, True),
    ],
)
def test_a_resolution_makes_up_days_whose_midnights_it_meets(zone: str, seconds: int, divides: bool) -> None:
    until = instant("2018-11-05T12:00:00")
    days = local_days(ZoneInfo(zone), (until - 5 * DAY) * NS, until * NS)
    assert days.divided_by(Rollup(seconds, 10)) is divides


@given(zones, st.integers(0, 2_000_000_000))
def test_the_first_day_from_an_instant_does_not_begin_before_it(zone: ZoneInfo, at: int) -> None:
    start = first_day_from(zone, at)
    assert at <= start < at + 2 * DAY
    assert first_day_from(zone, start) == start
    (day,) = local_days(zone, (start - 1) * NS, (start - 1) * NS).starts
    assert day < at
