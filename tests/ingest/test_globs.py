"""Lists of globs: they match what fnmatch matches, in bounded time, whatever the list and the texts are.

See docs/reliability.md#work-before-limits.
"""

from __future__ import annotations

import fnmatch
import re
import sys
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from statsapi.ingest.globs import _compiled, _folded, any_matches

pytestmark = pytest.mark.once

ENOUGH = 0.05
LINES = 10_000  # the characters of a list that a form takes
LETTERS = "aAbkKsSiI*?[]!-^\\ \n1\u0130\u0131\u017f\u212aé\U0001f600"


def as_fnmatch_has_it(glob: str, text: str) -> bool:
    escaped = re.sub(r"\\(.)", lambda one: f"[{one[1]}]" if one[1] in "*?[" else one[1], glob, flags=re.DOTALL)
    return bool(glob) and re.match(fnmatch.translate(escaped), text, re.IGNORECASE) is not None


@given(st.text(LETTERS, max_size=12), st.text(LETTERS, max_size=12))
@example("*[!]", "[!")
@example("*-\U0001f600*", "*-\U0001f600")
@example("[!]]*", "x]")
@example(r"a[\]]", "a]")
@example("*K*", "\u212a")
@example("*\u017f*", "s")
@example("*si*", "\u017f\u0130")
def test_a_glob_matches_what_fnmatch_says(glob: str, text: str) -> None:
    assert any_matches((glob,), (text,)) == as_fnmatch_has_it(glob, text)


@given(st.text(LETTERS, max_size=8), st.text(LETTERS, max_size=8), st.text(LETTERS, max_size=20))
def test_a_glob_is_found_in_a_text_that_was_made_for_it(before: str, glob: str, text: str) -> None:
    """A random glob rarely matches a random text, so the glob is made of a part of the text."""
    part = text[len(text) // 4 : len(text) // 2 + 1]
    for made in (f"*{part}*", f"{before}*{part}*", f"*{part}{glob}*", f"*{part[:3]}?{part[4:]}*"):
        assert any_matches((made,), (text,)) == as_fnmatch_has_it(made, text)


@given(st.lists(st.text(LETTERS, max_size=5), max_size=5), st.lists(st.text(LETTERS, max_size=5), max_size=5))
def test_a_list_matches_where_one_of_its_globs_matches_one_of_the_texts(globs: list[str], texts: list[str]) -> None:
    assert any_matches(tuple(globs), texts) == any(as_fnmatch_has_it(glob, text) for glob in globs for text in texts)


def test_a_letter_is_found_in_every_letter_that_passes_for_it_in_another_case() -> None:
    cased = [one for one in map(chr, range(sys.maxunicode + 1)) if one.lower() != one or one.upper() != one]
    for letter in map(chr, range(128)):
        passing = re.findall(re.escape(letter), "".join(cased), re.IGNORECASE)
        assert {_folded(one) for one in passing} <= {letter.lower()}
    assert len(_folded("".join(cased))) == len(cased)


def lines(glob: str) -> tuple[str, ...]:
    """Return as many different globs as a form takes."""
    return tuple(glob.replace("#", f"{number:04d}") for number in range(LINES // (len(glob) + 4)))


HOSTILE = {
    "classes that are slow to compile": (tuple(f"*[a-z][{chr(number)}-\uffff]*" for number in range(300, 1300)), "a"),
    "letters of three cases": (("*" + "s" * 500 + "b*",) * 20, "\u017f"),
    "many words": (lines("*x#*"), "a"),
    "many short globs": (tuple(f"*{chr(number)}" for number in range(300, 300 + LINES // 3)), "\u20ac"),
    "all needles there, none matches": (lines("*a*a*ab"), "a"),
    "wildcards": (lines("*?a?#*"), "a"),
    "no needle": (tuple(f"*[0-{number}]?" for number in range(1, 10)) * 150, "a"),
    "one glob of stars": (("*a" * (LINES // 2),), "a"),
    "one long word": (("*" + "a" * (LINES - 10) + "b*",), "a"),
    "one long row of classes": (("*" + "[a]" * (LINES // 3 - 10) + "b*",), "a"),
    "a needle that nearly fits everywhere": (lines("*aaaaa#aaaaaaa*"), "a"),
    "long texts in other letters": (lines("*\u0130x#*"), "\u0130\u017f"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_any_list_and_any_texts_are_compared_within_50_ms(name: str) -> None:
    globs, letter = HOSTILE[name]
    texts = [letter * (8192 // len(letter))] * 53
    assert fastest(globs, texts) < ENOUGH


def fastest(globs: tuple[str, ...], texts: list[str]) -> float:
    """Return the shortest processor time of three runs, so that a busy machine fails no test."""
    seconds = []
    for _ in range(3):
        _compiled.cache_clear()
        began = time.thread_time()
        any_matches(globs, texts)
        seconds.append(time.thread_time() - began)
    return min(seconds)


@pytest.mark.parametrize(("globs", "characters"), [(100, 30_000), (500, 7000), (1200, 2500)])
def test_a_long_list_is_obeyed_to_its_last_glob(globs: int, characters: int) -> None:
    words = [f"*problem number {number} of*" for number in range(globs - 1)]
    text = "x" * (characters - 30) + " a Problem In The Last Line"
    assert any_matches((*words, "*last line"), [text, "y" * 5])


def test_a_short_text_is_compared_before_a_long_one() -> None:
    assert any_matches(HOSTILE["many words"][0], ["a" * 8192] * 53 + ["Error: x0042"])


def test_a_glob_that_is_too_much_is_passed_over_and_the_others_are_obeyed() -> None:
    assert any_matches(("*" + "a" * 9000 + "b*", "*c"), ["a" * 8000 + "c"])
