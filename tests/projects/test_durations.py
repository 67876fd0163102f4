"""Lengths of time in words, and windows as they are written."""

from __future__ import annotations

import pytest

from projects.durations import length_words, parse_window, window_text, window_word


@pytest.mark.parametrize(
    ("text", "seconds", "words"),
    [
        ("60s", 60, "1 minute"),
        ("90s", 90, "90 seconds"),
        ("5m", 300, "5 minutes"),
        ("300s", 300, "5 minutes"),
        ("90m", 5400, "90 minutes"),
        ("1h", 3600, "1 hour"),
        ("24h", 86400, "1 day"),
        ("31d", 2678400, "31 days"),
        ("month", 0, "a month"),
    ],
)
def test_a_window_is_read_and_told_in_its_largest_whole_unit(text: str, seconds: int, words: str) -> None:
    assert parse_window(text) == seconds
    assert window_text(seconds) == words
    assert parse_window(window_word(seconds)) == seconds


@pytest.mark.parametrize("text", ["", "0s", "0m", "5", "m", "5 m", "-5m", "1.5h", "5M", "Month", "1w", "9" * 10 + "s"])
def test_what_is_no_window_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no window"):
        parse_window(text)


def test_a_second_is_the_smallest_unit() -> None:
    assert [length_words(seconds) for seconds in (1, 10, 61)] == ["1 second", "10 seconds", "61 seconds"]
