"""Timing contenders in turns, statistics of the rounds, and tables of the results."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple


class Spread(NamedTuple):
    """The median of some values, and `low` and `high`, which enclose the middle half of them."""

    low: float
    median: float
    high: float

    def show(self, digits: int = 3, scale: float = 1) -> str:
        """Return "median (low–high)", all multiplied by `scale` and with this many significant digits."""
        low, median, high = (_number(scale * value, digits) for value in self)
        return f"{median} ({low}–{high})"


def spread(values: Iterable[float]) -> Spread:
    """Return the spread of one or more values."""
    ordered = list(values)
    if len(ordered) == 1:
        return Spread(*(ordered * 3))
    return Spread(*statistics.quantiles(ordered, n=4, method="inclusive"))


def take_turns(contenders: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Run the contenders in turns, and return the seconds of each in each round.

    One more round runs first, in which caches fill. It does not count.
    """
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(rounds + 1):
        for name, run in contenders.items():
            begin = time.perf_counter()
            run()
            lasted = time.perf_counter() - begin
            if turn:
                times[name].append(lasted)
    return times


def ratio(dividends: Sequence[float], divisors: Sequence[float]) -> Spread:
    """Return the spread of the ratios of single rounds."""
    return spread(one / other for one, other in zip(dividends, divisors, strict=True))


def verdict(reached: bool, target: str) -> str:
    """Return the text that says whether a target was reached."""
    return f"{target}: {'reached' if reached else 'MISSED'}"


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table in Markdown, with aligned columns."""
    table = [list(headings), *(list(row) for row in rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(headings))]
    table.insert(1, ["-" * width for width in widths])
    for row in table:
        print("|", " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)), "|")
    print(flush=True)


def _number(value: float, digits: int) -> str:
    """Return the number with `digits` significant digits and without an exponent."""
    if value == 0:
        return "0"
    whole = len(str(int(abs(value))))
    if abs(value) >= 1:
        return f"{value:.{max(0, digits - whole)}f}"
    return f"{float(f'{value:.{digits}g}'):f}".rstrip("0")
