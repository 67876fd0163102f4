"""Counts as CSV for a spreadsheet. No cell can become a formula."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache

from django.http import HttpResponse
from django.utils.cache import patch_vary_headers
from rest_framework.request import Request

from statsapi.api.parameters import Parameter
from tsdb.timeline import Starts

FORMAT = Parameter("format", "`csv`: as a table, as with the header Accept: text/csv.")

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


class _Echo:
    """A file that returns what is written to it."""

    def write(self, line: str) -> str:
        return line


def wants_csv(request: Request) -> bool:
    """Return whether CSV was asked for, with `?format=csv` or `Accept: text/csv`. Any other format is JSON."""
    asked = FORMAT.text(request.query_params)
    return asked == "csv" or (not asked and "text/csv" in request.META.get("HTTP_ACCEPT", ""))


def csv_response(
    header: Iterable[str], rows: Iterable[Iterable[str | int]], filename: str, headers: dict[str, str] | None = None
) -> HttpResponse:
    """Return the rows as a file to download. `headers` are added to the answer's."""
    return _file("".join(_lines(header, rows)), filename, headers)


def counts_as_csv(starts: Starts, counts: Sequence[int], filename: str, headers: dict[str, str]) -> HttpResponse:
    """Return a row of timestamp and count for each of these starts of buckets, as a file to download."""
    return _file("timestamp,count\n" + _counts(starts, "", counts), filename, headers)


def counts_by_project_as_csv(
    starts: Starts, counts: Iterable[tuple[int, str, Sequence[int]]], filename: str, headers: dict[str, str]
) -> HttpResponse:
    """Return a row of id, slug, timestamp and count for each project and bucket, as a file to download."""
    rows = [_counts(starts, f"{number},{_safe(slug)},", of_project) for number, slug, of_project in counts]
    return _file("project_id,project,timestamp,count\n" + "".join(rows), filename, headers)


def _file(text: str, filename: str, headers: dict[str, str] | None) -> HttpResponse:
    # The text is made whole, as JSON is, because a stream holds a thread while a client reads it slowly.
    response = HttpResponse(text, content_type="text/csv; charset=utf-8", headers=headers)
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    patch_vary_headers(response, ["Accept"])
    return response


def iso(timestamp: int) -> str:
    """Return seconds since the epoch as `2018-11-05T22:00:00Z`; as they are if no date can express them."""
    try:
        return datetime.fromtimestamp(timestamp, UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return str(timestamp)


def _counts(starts: Starts, before: str, counts: Sequence[int]) -> str:
    """Return a line for each count. `before` begins each of them, and has no character that CSV quotes."""
    return (_template(starts) % tuple(counts)).replace("\0", before)


@lru_cache(maxsize=32)
def _template(starts: Starts) -> str:
    """Return a line for each of these timestamps, with a NUL where it begins and `%d` in the place of its count."""
    return "".join([f"\0{_safe(iso(start))},%d\n" for start in starts])


def _lines(header: Iterable[str], rows: Iterable[Iterable[str | int]]) -> Iterator[str]:
    writer = csv.writer(_Echo(), lineterminator="\n")
    for row in itertools.chain([header], rows):
        yield str(writer.writerow([_safe(cell) for cell in row]))


def _safe(cell: str | int) -> str | int:
    if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS):
        return f"'{cell}"
    return cell
