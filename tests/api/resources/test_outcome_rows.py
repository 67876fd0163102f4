"""Every fault of a row of outcomes/, and values at the limits, which are accepted."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine

from projects import services
from projects.connections import get_store
from projects.models import Project
from tsdb.outcomes import CATEGORY_NAMES

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("held_clock")]

NOW = 1541538000
DAY = 86400
RETENTION = 400 * DAY


def names(project: Project) -> list[str]:
    return get_store().series_of(project.pk)


def is_refused(response: Any, *messages: str) -> bool:
    assert (response.status_code, response.json()) == (400, {"outcomes": list(messages)})
    return True


NO_OUTCOME = (
    ".outcome: must be one of accepted, filtered, rate_limited, invalid, abuse, client_discard, cardinality_limited."
)
QUANTITY = ".quantity: must be an integer from 1 to 1000000000."
FUTURE = f".timestamp: lies more than 60 seconds in the future; it is {NOW} now."
OLD = f".timestamp: is older than the longest retention, {RETENTION} seconds."
NO_NUMBER = ".timestamp: must be a number, seconds since the UNIX epoch."
KEY_TEXT = ".key: must be a text of 1 to 32 characters, or null."
NO_KEY = ".key: is not a public key of this project."
FIELDS = "category, environment, key, outcome, quantity, reason, timestamp"
TEXT = ": must be a text of 1 to {} characters, or null."
CONTROL = ": must not contain control characters."
NAME = (
    ".environment: must be a name of 1 to 64 characters without slashes and line breaks, "
    "not blank and not the word none, or null."
)


def each(field: str, message: str, *values: Any) -> list[tuple[Any, str]]:
    return [({field: value}, message) for value in values]


FAULTS: list[tuple[Any, str]] = [
    ("accepted", ": must be an object."),
    (None, ": must be an object."),
    ([], ": must be an object."),
    ({}, NO_OUTCOME),
    *each("outcome", NO_OUTCOME, None, "", "Accepted", "received", 1, ["accepted"], {"a": 1}, True),
    ({"outcome": "accepted", "count": 1}, f".count: is not a field; the fields are {FIELDS}."),
    *each("quantity", QUANTITY, 0, -1, 10**9 + 1, 2**63, 10**30, 1.0, 1.5, "1", True, [1]),
    *each("timestamp", NO_NUMBER, "1541455200", "now", True, [1], {}),
    *each("timestamp", FUTURE, NOW + 61, NOW + 60.001, 1e300, 10**30),
    *each("timestamp", OLD, NOW - RETENTION - 1, NOW - RETENTION - 0.001, 0, -1, -1e300),
    *each("reason", f".reason{TEXT.format(200)}", "", "x" * 201, "é" * 201, 1, True, ["x"]),
    *each("environment", f".environment{TEXT.format(64)}", "", "x" * 65, "é" * 65, 1, ["x"]),
    *each("reason", f".reason{CONTROL}", "a\0", "a\n", "\x7f", "\x85"),
    *each("environment", f".environment{CONTROL}", "a\0", "a\n", "\x7f", "\x85"),
    *each("environment", NAME, "a/b", "/", "none", "None", " NONE ", " ", "a\u2028b", "a\u2029b"),
    *each("key", KEY_TEXT, "", "a" * 33, 1, ["a" * 32]),
    *each("key", NO_KEY, "a" * 32, "A" * 32, "a", "é" * 16, "'" * 32),
]


@pytest.mark.parametrize(("row", "message"), FAULTS, ids=lambda value: ascii(value)[:60])
def test_it_names_the_fault_of_a_row_and_counts_nothing(post: Any, project: Project, row: Any, message: str) -> None:
    faulty = {"outcome": "accepted", **row} if row and isinstance(row, dict) else row
    good = {"outcome": "accepted", "environment": "production"}
    assert is_refused(post(good, faulty, good), f"[1]{message}")
    assert names(project) == []
    assert not project.environments.exists()


@pytest.mark.parametrize("category", ["", "errors", "Error", 1, ["error"]])
def test_it_refuses_a_category_that_it_does_not_know(post: Any, category: Any) -> None:
    allowed = ", ".join(CATEGORY_NAMES)
    assert is_refused(post({"outcome": "accepted", "category": category}), f"[0].category: must be one of {allowed}.")


def test_it_names_every_faulty_row_at_once(post: Any, project: Project) -> None:
    response = post({"outcome": "accepted", "quantity": 0}, {"outcome": "accepted"}, {"outcome": "accepted", "key": 1})
    assert is_refused(response, f"[0]{QUANTITY}", f"[2]{KEY_TEXT}")
    unknown = {"outcome": "accepted", "key": "a" * 32}
    assert is_refused(post(unknown, {"outcome": "accepted"}, unknown), f"[0]{NO_KEY}", f"[2]{NO_KEY}")


def test_the_key_of_another_project_is_unknown(post: Any, project: Project) -> None:
    other = services.create_project(organization=project.organization, slug="other", name="Other")
    assert is_refused(post({"outcome": "accepted", "key": other.keys.get().public}), f"[0]{NO_KEY}")


@pytest.mark.parametrize("timestamp", [NOW + 60, NOW, NOW - RETENTION, NOW - 0.5, float(NOW)])
def test_it_takes_timestamps_within_their_limits(post: Any, count_of: Any, timestamp: float) -> None:
    assert post({"outcome": "accepted", "timestamp": timestamp}).json() == {"accepted": 1}
    assert count_of(until=str(NOW + 60)) == 1


@pytest.mark.parametrize(
    ("timestamp", "status"),
    [
        (NOW + 60.5, 201),
        (NOW + 60.9, 201),
        (NOW + 60.95, 400),
        (NOW + 0.9 - RETENTION, 201),
        (NOW + 0.85 - RETENTION, 400),
    ],
)
def test_the_limits_of_a_timestamp_are_exact_within_a_second(post: Any, timestamp: float, status: int) -> None:
    with time_machine.travel(NOW + 0.9, tick=False):
        assert post({"outcome": "accepted", "timestamp": timestamp}).status_code == status


def test_the_largest_quantities_are_added_up(post: Any, count_of: Any) -> None:
    response = post(*[{"outcome": "accepted", "quantity": 10**9}] * 1000)
    assert (response.status_code, response.json()) == (201, {"accepted": 10**12})
    assert count_of() == 10**12
