from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statsapi.ingest.reports import MOST_ROWS, ReportRow, parse_report, parse_timestamp, report_time
from tsdb.outcomes import Category, Outcome

pytestmark = pytest.mark.once

NOW = 1_800_000_000.0
DAY = 86400.0


def rows(**lists: Any) -> list[ReportRow]:
    report = parse_report(json.dumps(lists).encode())
    assert report is not None
    return list(report.rows)


def row(reason: Any = "queue_overflow", category: Any = "error", quantity: Any = 1) -> dict[str, Any]:
    return {"reason": reason, "category": category, "quantity": quantity}


def test_each_list_has_its_outcome() -> None:
    assert rows(
        discarded_events=[row("before_send", quantity=3)],
        rate_limited_events=[row("key_quota", "transaction")],
        filtered_events=[row("localhost")],
        filtered_sampling_events=[row()],
    ) == [
        ReportRow(Outcome.CLIENT_DISCARD, Category.ERROR, "before_send", 3),
        ReportRow(Outcome.RATE_LIMITED, Category.TRANSACTION, "key_quota", 1),
        ReportRow(Outcome.FILTERED, Category.ERROR, "localhost", 1),
    ]


def test_the_other_names_of_category_error_are_resolved_and_added_up() -> None:
    found = rows(discarded_events=[row(category=name) for name in ("error", "default", "security", "crash")])
    assert found == [ReportRow(Outcome.CLIENT_DISCARD, Category.ERROR, "queue_overflow", 4)]


@pytest.mark.parametrize("quantity", [0, -1, 1.5, 1.0, 10**9 + 1, 10**30, "1", None, True, [1]])
def test_a_row_with_a_bad_quantity_is_left_out(quantity: object) -> None:
    assert rows(discarded_events=[row(quantity=quantity), row(quantity=2)])[0].quantity == 2


def test_the_largest_quantity_is_taken() -> None:
    assert rows(discarded_events=[row(quantity=10**9)])[0].quantity == 10**9


@pytest.mark.parametrize("category", ["internal", "unknown", "Error", "a b", "{7}:x", "ü" * 32, "x" * 64])
def test_a_row_of_an_unknown_category_is_kept_under_its_own_name(category: str) -> None:
    assert rows(discarded_events=[row(category=category)])[0].category == category


@pytest.mark.parametrize("category", ["x" * 65, "ü" * 33, " ", "a\nb", "\x7f", "x" * 10_000])
def test_a_category_that_is_no_word_is_other(category: str) -> None:
    assert rows(discarded_events=[row(category=category)])[0].category == "other"


@pytest.mark.parametrize("category", ["", None, 1, ["error"]])
def test_a_row_without_a_category_is_left_out(category: object) -> None:
    assert rows(discarded_events=[row(category=category)]) == []


@pytest.mark.parametrize(
    "reason", ["made up", "MADE UP", "a:b", "{7}", " x ", "%3A", "=1+1", "ü" * 100, "x" * 200, "\u202e", "None", "null"]
)
def test_a_reason_is_kept_as_it_comes(reason: str) -> None:
    assert rows(discarded_events=[row(reason)])[0].reason == reason


@pytest.mark.parametrize(
    "reason", ["", None, 1, " ", "\u3000", "a\nb", "a\0", "\x85", "x" * 201, "ü" * 101, "x" * 10_000]
)
def test_a_reason_that_is_missing_or_no_word_is_other(reason: object) -> None:
    assert rows(discarded_events=[row(reason)])[0].reason == "other"


def test_no_more_rows_are_read_than_the_bound() -> None:
    found = rows(discarded_events=[row()] * (MOST_ROWS - 1), filtered_events=[row()] * 2)
    assert [(entry.outcome, entry.quantity) for entry in found] == [("client_discard", MOST_ROWS - 1), ("filtered", 1)]


@pytest.mark.parametrize("payload", [b"", b"[]", b"1", b"null", b'{"a":', b"\xff", b"[" * 100_000])
def test_what_is_no_report_is_dropped(payload: bytes) -> None:
    assert parse_report(payload) is None


def test_a_report_of_strange_shapes_has_no_rows() -> None:
    assert rows(discarded_events={"a": 1}, rate_limited_events="x", filtered_events=[None, 1, [], {}]) == []


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2020-02-07T14:16:00Z", 1581084960.0),
        ("2020-02-07T14:16:00.500Z", 1581084960.5),
        ("2020-02-07T14:16:00.123456789Z", 1581084960.123456),
        ("2020-02-07T15:16:00+01:00", 1581084960.0),
        ("2020-02-07T14:16:00", 1581084960.0),
        (1581084960, 1581084960.0),
        (1581084960.25, 1581084960.25),
        ("yesterday", None),
        ("", None),
        ("1581084960", None),
        (None, None),
        (True, None),
        ({}, None),
        (10**400, None),
        (float("inf"), None),
    ],
)
def test_a_timestamp_is_a_number_or_an_iso_date(value: object, seconds: float | None) -> None:
    assert parse_timestamp(value) == seconds


def at(timestamp: float | None, sent_at: object = None) -> float | None:
    return report_time(timestamp, sent_at, NOW, NOW - 90 * DAY)


def test_a_report_counts_at_its_timestamp() -> None:
    assert at(NOW - 3600) == NOW - 3600
    assert at(NOW - 3600, NOW) == NOW - 3600


def test_a_report_without_a_timestamp_counts_now() -> None:
    assert at(None, NOW - 7200) == NOW


def test_a_clock_that_is_off_by_more_than_55_minutes_is_corrected() -> None:
    assert at(NOW - 7300, NOW - 7200) == NOW - 100
    assert at(NOW + 7100, NOW + 7200) == NOW - 100
    assert at(NOW - 3000, NOW - 55 * 60) == NOW - 3000
    assert at(NOW - 3400, NOW - 55 * 60 - 1) == NOW - 99


def test_a_report_that_waited_offline_keeps_its_time() -> None:
    assert at(NOW - 3 * DAY, NOW) == NOW - 3 * DAY


def test_a_report_from_the_future_counts_now() -> None:
    assert at(NOW + 60) == NOW
    assert at(NOW - 100, NOW - 7200) == NOW


def test_a_report_older_than_what_is_kept_is_dropped() -> None:
    assert at(NOW - 90 * DAY) == NOW - 90 * DAY
    assert at(NOW - 90 * DAY - 1) is None
    assert at(-1e300) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.sampled_from(list(row())), inner),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["discarded_events", "filtered_events", "timestamp"]), JSON), JSON)
def test_any_json_is_a_report_of_bounded_rows_or_none(report: dict[str, Any], sent_at: object) -> None:
    found = parse_report(json.dumps(report).encode())
    if found is not None:
        assert all(entry.quantity >= 1 and isinstance(entry.category, Category) for entry in found.rows)
        time = report_time(found.timestamp, sent_at, NOW, NOW - DAY)
        assert time is None or NOW - DAY <= time <= NOW


@given(st.binary(max_size=200))
def test_any_bytes_raise_nothing(payload: bytes) -> None:
    parse_report(payload)
