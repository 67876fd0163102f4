"""The table of a project's counts: a row for each bucket, the newest first, for people and as CSV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from statsapi.api.stats.csv_format import iso
from statsapi.pages.project.numbers import LABELS, Numbers
from tsdb.outcomes import RECEIVED
from tsdb.units import DAY, MINUTE


class Row(NamedTuple):
    """A bucket. `counts` are texts, by outcome in the order of the columns; empty if the bucket is not kept."""

    time: str
    machine: str
    is_open: bool
    received: str
    counts: list[str]


def columns(numbers: Numbers) -> list[tuple[str, str]]:
    """Return the word and the name of each outcome that has a column."""
    return [(outcome.value, LABELS[outcome]) for outcome in numbers.series]


def rows(numbers: Numbers) -> list[Row]:
    """Return the rows of the table, the newest first."""
    shown = numbers.shown
    zone = ZoneInfo("UTC") if shown.interval >= DAY and not shown.days else numbers.query.zone.info
    found = [
        Row(
            time=bucket_text(start, shown.interval, zone),
            machine=iso(start),
            is_open=place == numbers.open,
            received=f"{received:,}" if kept else "",
            counts=[f"{count:,}" for count in counts] if kept else [],
        )
        for place, (start, kept, received, *counts) in enumerate(_lines(numbers))
    ]
    return found[::-1]


def csv_header(numbers: Numbers) -> list[str]:
    """Return the names of the columns of the CSV."""
    return ["timestamp", "received", *(outcome.value for outcome in numbers.series)]


def csv_rows(numbers: Numbers) -> Iterator[list[str | int]]:
    """Return the rows of the CSV, the oldest first. A bucket that is not kept has empty cells."""
    for start, kept, *counts in _lines(numbers):
        yield [iso(start), *(counts if kept else [""] * len(counts))]


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
    return f"UTC{moment:%:z}" if moment.utcoffset() else "UTC"


def _comes_twice(moment: datetime) -> bool:
    other = moment.replace(fold=1 - moment.fold)
    return moment.utcoffset() != other.utcoffset() and other.astimezone(UTC).astimezone(moment.tzinfo) == other


def _lines(numbers: Numbers) -> Iterator[Sequence[int]]:
    """Return for each bucket: its start, whether it is kept, what was received, and each outcome."""
    received = [numbers.series[outcome] for outcome in RECEIVED]
    sums = [sum(counts) for counts in zip(*received, strict=True)]
    return zip(numbers.shown.starts, numbers.kept, sums, *numbers.series.values(), strict=True)
