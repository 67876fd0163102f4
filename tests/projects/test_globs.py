"""Alternatives in globs. See docs/contract.md#inbound-filters."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projects.globs import LONGEST_GLOB, MOST_GLOBS, alternatives, without_alternatives

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("glob", "spelled"),
    [
        ("1.{3,4}.*", ["1.3.*", "1.4.*"]),
        ("{a,b}{c,d}", ["ac", "ad", "bc", "bd"]),
        ("x{a,{b,c}d}y", ["xay", "xbdy", "xcdy"]),
        ("{a,}x", ["ax", "x"]),
        ("x{}y", ["xy"]),
        ("{a}", ["a"]),
        ("{*.js,?}", ["*.js", "?"]),
        ("a,b", ["a,b"]),
        ("a}b{c", ["a}b{c"]),
        ("{a,b", ["{a,b"]),
        ("{a{b,c}", ["{ab", "{ac"]),
        (r"\{a,b\}", [r"\{a,b\}"]),
        (r"{a\,b,c\}}", [r"a\,b", r"c\}"]),
        ("[{,}]", ["[{,}]"]),
        ("{[,],b}", ["[,]", "b"]),
        ("", [""]),
    ],
)
def test_alternatives_are_spelled_out(glob: str, spelled: list[str]) -> None:
    assert alternatives(glob) == spelled


def test_a_glob_of_too_many_alternatives_is_none() -> None:
    assert alternatives("{a,b}" * 100) is None
    assert alternatives("{a,b}" * 9) is None
    assert len(alternatives("{a,b}" * 8) or []) == 256
    assert alternatives("{a,b}", most=1) is None
    assert alternatives("{a}" + "x" * LONGEST_GLOB) is None
    assert alternatives("x" * 2 * LONGEST_GLOB) == ["x" * 2 * LONGEST_GLOB]


def test_a_list_has_room_for_a_number_of_alternatives_and_for_every_glob_without() -> None:
    many, plain = "{a,b}" * 8, [f"*{number}" for number in range(2 * MOST_GLOBS)]
    spelled = without_alternatives([many, many, "{c,d}", *plain, "{a,b}" * 100])
    assert len(spelled) == 256 + 2 + len(plain)
    assert spelled[256:258] == ("c", "d")
    assert set(plain) < set(spelled)
    assert (
        without_alternatives(["{a,b}" * 8, "{a,b}" * 7, "{a,b}" * 6, "{a,b}" * 5, "{a,b}" * 4, "{a,b,c,d}", "e"])[-1]
        == "e"
    )


@pytest.mark.parametrize(
    "glob",
    ["{a,b}" * 100, "{a,b}" * 8 + "{a}" * 150, "{" * 250 + "}" * 250, "{" * 10_000, "[" * 2000, "{a," * 160 + "}" * 160]
    + ["{" + "," * 498 + "}", "{a,b}" * 2000, "{a,b}" * 8 + ",," * 200],
)
def test_no_glob_takes_long_to_spell_out(glob: str) -> None:
    began = time.thread_time()
    alternatives(glob)
    assert time.thread_time() - began < 0.5


@given(st.text("ab{},\\[]!*", max_size=30))
def test_any_glob_has_alternatives_without_whole_braces_or_is_none(glob: str) -> None:
    spelled = alternatives(glob)
    assert spelled is None or (spelled and len(spelled) <= MOST_GLOBS)
