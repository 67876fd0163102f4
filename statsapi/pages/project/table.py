"""The table of a project's counts: a row for each bucket, the newest first, for people and as CSV."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from statsapi.api.stats.csv_format import iso
from statsapi.pages.project.numbers import LABELS, Numbers
from tsdb.units import DAY, MINUTE

NOT_KEPT = "not kept"


class Row(NamedTuple):
    """A bucket. `counts` are texts: what was received, each outcome, and what was received in the period before."""

    time: str
    is_open: bool
    counts: list[str]


def columns(numbers: Numbers) -> list[tuple[str, str]]:
    """Return the word and the name of each outcome that has a column."""
    return [(outcome.value, LABELS[outcome]) for outcome in numbers.series]


def rows(numbers: Numbers) -> list[Row]:
    """Return the rows of the table, the newest first."""
    shown = numbers.shown
    found = [
        Row(
            time=bucket_text(start, shown.interval, numbers.zone),
            is_open=place == numbers.open,
            counts=[NOT_KEPT if count is None else f"{count:,}" for count in counts],
        )
        for place, (start, counts) in enumerate(_lines(numbers))
    ]
    return found[::-1]


def csv_header(numbers: Numbers) -> list[str]:
    """Return the names of the columns of the CSV."""
    before = [] if numbers.before is None else ["received_before"]
    return ["timestamp", "received", *(outcome.value for outcome in numbers.series), *before]


def csv_rows(numbers: Numbers) -> Iterator[list[str | int]]:
    """Return the rows of the CSV, the oldest first. What is not kept is an empty cell."""
    for start, counts in _lines(numbers):
        yield [iso(start), *("" if count is None else count for count in counts)]


def bucket_text(start: int, seconds: int, zone: ZoneInfo) -> str:
    """Return the start of a bucket as it is written in a zone, as exactly as the length of the bucket needs.

    If the clocks are set back, times come twice. Those are told apart by their distance from UTC.
    """
    moment = datetime.fromtimestamp(start, zone)
    if seconds >= DAY and moment.time().isoformat() == "00:00:00":
        return f"{moment:%Y-%m-%d}"
    text = f"{moment:%Y-%m-%d %H:%M:%S}" if seconds % MINUTE or moment.second else f"{moment:%Y-%m-%d %H:%M}"
    return f"{text} {offset_text(moment)}" if _comes_twice(moment) else text


def offset_text(moment: datetime) -> str:
    """Return the distance of a zone from UTC at a moment: `UTC+02:00`."""
    offset = f"{moment:%z}"
    return f"UTC{offset[:3]}:{offset[3:5]}" if moment.utcoffset() else "UTC"


def _comes_twice(moment: datetime) -> bool:
    other = moment.replace(fold=1 - moment.fold)
    return moment.utcoffset() != other.utcoffset() and other.astimezone(UTC).astimezone(moment.tzinfo) == other


def _lines(numbers: Numbers) -> Iterator[tuple[int, list[int | None]]]:
    """Return for each bucket its start, and: what was received, each outcome, and what was received before."""
    columns = [numbers.known(column) for column in (numbers.received_series, *numbers.series.values())]
    if numbers.before is not None:
        columns.append(list(numbers.before))
    for start, counts in zip(numbers.shown.starts, zip(*columns, strict=True), strict=True):
        yield start, list(counts)
