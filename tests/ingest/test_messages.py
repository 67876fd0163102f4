"""Messages with their params. What is expected is what the package sentry-relay 0.10.1 does."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statsapi.ingest.messages import LONGEST_MESSAGE, MOST_PLACEHOLDERS, filled_in, message_of

pytestmark = pytest.mark.once

FILLED: list[tuple[str, Any, str]] = [
    ("connection to %s lost", ["db-7"], "connection to db-7 lost"),
    ("%s: %d of %i, %f, %%", ["a", 1, 2, 1.5], "a: 1 of 2, 1.5, %"),
    ("%r %r", ["x", {"b": None, "a": [1, 2.0]}], '"x" {"a":[1,2.0],"b":null}'),
    ("%5s|%-5s|%05d|%.2f|%*s", ["a", "b", 42, 3.14159, "c"], "a|b|42|3.14159|c"),
    ("%x %X %#x %o %x", [255, 255, 255, 8, -1], "ff FF 0xff 10 ffffffffffffffff"),
    ("%e %E %g", [12345.678, 0.00012, 0.5], "1.2345678e4 1.2E-4 0.5"),
    ("%s %s %s", [True, 1.0, 1e16], "true 1 10000000000000000"),
    ("%lld %hhd", [3, -3], "3 -3"),
    ("%s", ["a%sb", "unused"], "a%sb"),
    ("%s {}", ["x"], "x {}"),
    ("%(name)s is %(age)d", {"name": "Ada", "age": 36}, "Ada is 36"),
    ("100% sure, %s", ["a", "b"], "100% sure, a"),
    ("%a %k %s", ["x"], "%a %k x"),
    ("100%", [], "100%"),
    ("100%%", [], "100%"),
    ("100%%", {}, "100%"),
    ("{} and {}", ["a", 1], "a and 1"),
    ("{0} {1} {0}", ["a", "b"], "a b a"),
    ("{}{0}{}", ["a", "b"], "aab"),
    ("{name} is {age}", {"name": "Ada", "age": 36}, "Ada is 36"),
    ("{:>5} {a.b} {}", ["x"], "{:>5} {a.b} x"),
    ("{é}", {"é": "x"}, "x"),
]
LEFT: list[tuple[str, Any]] = [
    ("%s %s", ["a"]),
    ("%s", [None]),
    ("%s", {"a": 1}),
    ("%s", "a"),
    ("%s", 3),
    ("%s", None),
    ("100%%", None),
    ("%(a)s", ["x"]),
    ("%(a)s %(b)s", {"a": 1}),
    ("%(a)s %s", {"a": 1}),
    ("%x", ["a"]),
    ("%x", [True]),
    ("%e", [1]),
    ("{}%", ["a"]),
    ("{} {}", ["a", None]),
    ("{1}", ["a"]),
    ("{0}", {"0": "a"}),
    ("{}", {"": "a"}),
    ("{a}", ["x"]),
    (f"{{{'9' * 5000}}}", ["x"]),
    ("no placeholder", ["x"]),
]


@pytest.mark.parametrize(("message", "params", "expected"), FILLED)
def test_params_are_filled_in(message: str, params: Any, expected: str) -> None:
    assert filled_in(message, params) == expected


@pytest.mark.parametrize(("message", "params"), LEFT)
def test_a_message_whose_params_do_not_fit_stays_as_it_is(message: str, params: Any) -> None:
    assert filled_in(message, params) == message


@pytest.mark.parametrize(
    ("interface", "expected"),
    [
        ({"message": "a %s", "params": ["b"], "formatted": "f"}, "f"),
        ({"message": "a %s", "params": ["b"], "formatted": ""}, ""),
        ({"message": "a %s", "params": ["b"], "formatted": None}, "a b"),
        ({"message": "a %s", "params": ["b"], "formatted": 5}, "a b"),
        ({"message": "a %s"}, "a %s"),
        ({"message": 5}, ""),
        ({"params": ["b"]}, ""),
        ({}, ""),
        (None, ""),
        ("a %s", "a %s"),
        (5, "5"),
        (["a"], '["a"]'),
    ],
)
def test_the_formatted_message_wins(interface: object, expected: str) -> None:
    assert message_of(interface) == expected


LONG = ["y" * LONGEST_MESSAGE]
HUGE = {"a": ["x" * 100] * 9000}
HOSTILE: list[tuple[str, Any]] = [
    ("%1000000s", ["x"]),
    (f"%{'0' * 8000}", ["x"]),
    (f"%{'0' * 4000}{'9' * 4000}", ["x"]),
    (f"%.{'9' * 8000}", ["x"]),
    (f"%{'h' * 8000}", ["x"]),
    ("%(" * 4096, ["x"]),
    ("%(a" * 2700, ["x"]),
    ("%0" * 4096, ["x"]),
    ("{a" * 4096, ["x"]),
    ("{" * 8192, ["x"]),
    ("%s" * MOST_PLACEHOLDERS, LONG * MOST_PLACEHOLDERS),
    ("%s" * 500_000, ["x"] * 500_000),
    ("{0}" * MOST_PLACEHOLDERS, [HUGE]),
    ("".join(f"%(a){kind}" for kind in "diufgcrs") * 100, {"a": HUGE}),
    ("{}", [[[[[[[]]]]]]]),
]


@pytest.mark.parametrize(("message", "params"), HOSTILE)
def test_no_message_takes_long_or_grows(message: str, params: Any) -> None:
    began = time.thread_time()
    assert len(filled_in(message, params)) <= LONGEST_MESSAGE
    assert time.thread_time() - began < 0.05


def test_a_message_with_too_many_placeholders_stays_as_it_is() -> None:
    params = ["x"] * (MOST_PLACEHOLDERS + 1)
    assert filled_in("%s" * MOST_PLACEHOLDERS, params) == "x" * MOST_PLACEHOLDERS
    assert filled_in("%s" * (MOST_PLACEHOLDERS + 1), params) == "%s" * (MOST_PLACEHOLDERS + 1)


def test_a_param_that_is_nested_too_deep_to_be_written_is_empty() -> None:
    nested: list[Any] = []
    for _ in range(400):
        nested = [nested]
    assert filled_in("a %s b", [nested]) == "a  b"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "0", ""]), inner, max_size=3),
    max_leaves=10,
)  # fmt: skip


@given(st.text("%sdrxe(a)0.{}*%# ", max_size=20), JSON)
def test_any_message_with_any_params_is_a_text(message: str, params: Any) -> None:
    assert isinstance(message_of({"message": message, "params": params}), str)
