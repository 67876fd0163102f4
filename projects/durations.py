"""Lengths of time as people and programs write them: those of windows, ranges and bars."""

from __future__ import annotations

from tsdb.budgets import MONTH
from tsdb.rollups import parse_length
from tsdb.units import DAY, HOUR, MINUTE

_MONTH_WORD = "month"

_UNITS = {"day": DAY, "hour": HOUR, "minute": MINUTE, "second": 1}


def parse_window(text: str) -> int:
    """Return the seconds of a window such as `300s`, `5m`, `1h` or `7d`, and 0 for `month`.

    Raises ValueError for any other text.
    """
    if text == _MONTH_WORD:
        return MONTH
    seconds = parse_length(text)
    if not seconds:
        raise ValueError(f"{text!r} is no window, as 5m, 1h, 7d and month are.")
    return seconds


def window_text(seconds: int) -> str:
    """Return a window in words: `5 minutes`, `1 hour`, or `a month` for 0."""
    return "a month" if seconds == MONTH else length_words(seconds)


def window_word(seconds: int) -> str:
    """Return a window as programs write it: `5m`, `1h`, or `month` for 0."""
    return _MONTH_WORD if seconds == MONTH else length_text(seconds)


def length_text(seconds: int) -> str:
    """Return a length of time as an address has it: `10s`, `5m`, `1h`, `1d`."""
    unit = next(unit for unit, length in _UNITS.items() if seconds % length == 0)
    return f"{seconds // _UNITS[unit]}{unit[0]}"


def length_words(seconds: int) -> str:
    """Return a length of time in words, in its largest whole unit: `10 seconds`, `1 hour`."""
    unit = next(unit for unit, length in _UNITS.items() if seconds % length == 0)
    number = seconds // _UNITS[unit]
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
