"""`since` and `until`: which numbers they may be, and which buckets are between them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
import time_machine
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from projects.models import Project
from statsapi.api.errors import BadQuery
from statsapi.api.stats.query import MAX_POINTS, parse_time_range
from tests.api.live import STATS
from tsdb.rollups import parse_rollups
from tsdb.timeline import Retention
from tsdb.units import NS

NOW = 1541538000
ROLLUPS = parse_rollups("10s:360,1h:168,1d:90")
CLOCK = (NOW * NS, lambda: Retention(NOW * NS))


@pytest.fixture
def get(api: Client, project: Project) -> Any:
    def ask(**parameters: str) -> Any:
        with time_machine.travel(NOW, tick=False):
            return api.get(STATS, parameters)

    return ask


NUMBERS = {
    "1541455200": 1541455200,
    "1541455200.5": 1541455200,
    "1541455200.": 1541455200,
    "1541455200.000": 1541455200,
    "01541455200": 1541455200,
    "1541455209.999999999999999999999999999": 1541455200,
    "1541455210.0000000000": 1541455210,
    "1.5e9": 1500000000,
    "1.5E9": 1500000000,
    "1.5e+9": 1500000000,
    "15000000000e-1": 1500000000,
    "0.15e10": 1500000000,
    ".15e10": 1500000000,
    "+1541455200": 1541455200,
    "0": 0,
    "-0": 0,
    "-0.0": 0,
    "0e0": 0,
    "1e-999": 0,
    "-1e-999": -10,
    "-3": -10,
    "-10": -10,
    "-10.000000000001": -20,
    "-1e2": -100,
    "-62135596800": -62135596800,
    "253402300799": 253402300790,
    "253402300799.999999999999": 253402300790,
}


@pytest.mark.django_db
@pytest.mark.parametrize(("text", "bucket"), NUMBERS.items(), ids=list(NUMBERS))
def test_a_decimal_number_is_a_timestamp(get: Any, text: str, bucket: int) -> None:
    response = get(since=text, until=text, resolution="10s")
    assert (response.status_code, response.json()) == (200, [[float(bucket), 0]])


NO_NUMBERS = [
    "nan", "NaN", "-nan", "sNaN", "inf", "-inf", "Infinity", "1_000", "1541_455200", " 1541455200", "1541455200 ",
    "\t1", "1\n", "\u00a01", "١٢", "１２３", "1²", "0x10", "0b1", "1e", "e9", "1e1.5", "1.5.5", "--1", "+-1", "-", "+",
    ".", "-.", "1,5", "1541455200,5", "1541455200s", "now", "yesterday", "2018-11-06", "2018-11-06T00:00:00Z", "true",
    "null", "None", "\0", "1\0", "1j", "1/2", "[1]", '"1"',
    # years before 1 and after 9999
    "-62135596801", "-62135596800.000000001", "253402300800", "1e12", "-1e12", "1e20", "1e400", "-1e400", "1e9999",
    "9" * 400, "1" * 100_000, "1e" + "9" * 1000,
]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("text", NO_NUMBERS, ids=lambda text: ascii(text[:30]))
@pytest.mark.parametrize("name", ["since", "until"])
def test_anything_else_is_refused(get: Any, text: str, name: str) -> None:
    response = get(**{name: text})
    assert (response.status_code, response.json()) == (400, {"detail": f"{name} must be a numeric timestamp."})


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("since", "until", "resolution", "buckets"),
    [
        # equal: the bucket of that instant
        ("1541455200", "1541455200", 3600, [1541455200]),
        ("1541458799.999", "1541458799.999", 3600, [1541455200]),
        # the bucket of until is there always, the bucket of since may not be
        ("1541455199", "1541455200", 3600, [1541455200]),
        ("1541455200", "1541458799", 3600, [1541455200]),
        ("1541455200", "1541458800", 3600, [1541455200, 1541458800]),
        ("1541455201", "1541458800", 3600, [1541458800]),
        ("1541455199", "1541462398", 3600, [1541455200, 1541458800]),
        # at full precision
        ("1541455200", "1541458799.999999999", 3600, [1541455200]),
        ("1541455200", "1541458799.9999999999999999", 3600, [1541455200]),
        ("1541455200.0000000001", "1541458800.0000000002", 3600, [1541455200, 1541458800]),
        ("1541455200.0000000002", "1541458800.0000000001", 3600, [1541458800]),
        ("1541455200.0000000001", "1541458800", 3600, [1541458800]),
        ("1541455200", "1541458800.000000000001", 3600, [1541455200, 1541458800]),
        # before 1970
        ("-3600", "3600", 3600, [-3600, 0, 3600]),
        ("-1", "0", 86400, [0]),
        ("-86400.5", "-0.5", 86400, [-172800, -86400]),
        # days are UTC
        ("1541462400", "1541548799", 86400, [1541462400]),
    ],
)  # fmt: skip
def test_it_steps_back_from_until_to_since(
    get: Any, since: str, until: str, resolution: int, buckets: list[int]
) -> None:
    response = get(since=since, until=until, resolution=f"{resolution}s")
    assert response.json() == [[float(bucket), 0] for bucket in buckets]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("1541455201", "1541455200"),
        ("1541455200.0000000002", "1541455200.0000000001"),
        ("1e-999", "0"),
        ("0", "-1e-999"),
    ],
)
def test_a_start_after_the_end_is_refused_at_full_precision(get: Any, since: str, until: str) -> None:
    response = get(since=since, until=until)
    assert (response.status_code, response.json()) == (400, {"detail": "start must be before or equal to end"})


@pytest.mark.django_db
def test_a_timestamp_is_a_float_and_a_count_an_integer(get: Any) -> None:
    assert get(since="1541455200", until="1541458800", resolution="1h").content == (
        b"[[1541455200.0, 0], [1541458800.0, 0]]"
    )


# --- against docs/contract.md#series, taken literally -----------------------------------------------------------


def literally(since: Fraction, until: Fraction, resolution: int) -> list[int]:
    instant, found = until, []
    while instant >= since:
        found.append(instant // resolution * resolution)
        instant -= resolution
    return sorted(found)


@st.composite
def numbers_near_borders(draw: st.DrawFn) -> str:
    """Return decimals on, just before and just after a multiple of some resolution, with up to 30 digits."""
    whole = draw(st.sampled_from([10, 3600, 86400])) * draw(st.integers(-30, 30)) + draw(st.sampled_from([0, 0, 0, 5]))
    digits = draw(st.integers(0, 30))
    offset = Fraction(draw(st.integers(-3, 3)), 10**digits)
    number = (whole + offset) * 10**digits
    assert number.denominator == 1
    return f"{number.numerator}e-{digits}"


@given(numbers_near_borders(), numbers_near_borders(), st.sampled_from(["10s", "1h", "1d"]))
def test_the_buckets_are_those_of_the_contracts_words(one: str, other: str, resolution: str) -> None:
    since, until = sorted((one, other), key=Fraction)
    parameters = {"since": since, "until": until, "resolution": resolution}
    try:
        window = parse_time_range(parameters, ROLLUPS, *CLOCK).window
    except BadQuery:
        assert (Fraction(until) - Fraction(since)) / 10 >= MAX_POINTS
        return
    assert list(window.timestamps()) == literally(Fraction(since), Fraction(until), window.rollup.seconds)


@given(numbers_near_borders(), numbers_near_borders())
def test_any_two_numbers_in_the_wrong_order_are_refused(one: str, other: str) -> None:
    since, until = sorted((one, other), key=Fraction, reverse=True)
    if Fraction(since) == Fraction(until):
        assert parse_time_range({"since": since, "until": until}, ROLLUPS, *CLOCK).window.points == 1
        return
    with pytest.raises(BadQuery, match="start must be before"):
        parse_time_range({"since": since, "until": until}, ROLLUPS, *CLOCK)


@given(numbers_near_borders())
def test_without_a_start_it_is_a_day_less_a_second_before_the_end(until: str) -> None:
    window = parse_time_range({"until": until, "resolution": "10s"}, ROLLUPS, *CLOCK).window
    assert list(window.timestamps()) == literally(Fraction(until) - 86399, Fraction(until), 10)
