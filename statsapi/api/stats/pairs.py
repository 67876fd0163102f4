"""[timestamp, count] pairs as JSON, the answer of the stats endpoints.

The JSON is written by hand (docs/decisions/0006-json-written-by-hand.md).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import orjson
from django.http import HttpResponse

from statsapi.api.shapes import More

Pairs = Annotated[
    list[tuple[float, int]],
    More(
        description="[timestamp, count] pairs, ascending; a timestamp is its bucket's start, seconds since the epoch."
    ),
]


def pairs_response(starts: Iterable[int], counts: Sequence[int], headers: Mapping[str, str]) -> HttpResponse:
    """Return `[[1537308000.0, 459], …]` as Python's json module writes it, in a tenth of its time.

    `starts` are seconds since the epoch, as many as there are counts.
    """
    return _response(list(zip(map(float, starts), counts, strict=True)), headers)


def pairs_by_project_response(
    starts: Iterable[int], counts: Mapping[int, Sequence[int]], headers: Mapping[str, str]
) -> HttpResponse:
    """Return `{"7": [[1537308000.0, 459], …], …}` as pairs_response does. `counts` are by project id."""
    floats = list(map(float, starts))
    pairs = {str(project): list(zip(floats, of_project, strict=True)) for project, of_project in counts.items()}
    return _response(pairs, headers)


def _response(content: Any, headers: Mapping[str, str]) -> HttpResponse:
    try:
        # The only texts in it are numbers, so every comma and colon is a separator.
        body = orjson.dumps(content).replace(b",", b", ").replace(b":", b": ")
    except TypeError:  # a sum of full counts is wider than 64 bits
        body = json.dumps(content).encode()
    return HttpResponse(body, "application/json", headers=dict(headers))
