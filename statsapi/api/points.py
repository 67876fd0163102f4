"""[timestamp, count] pairs as JSON: the answer of a stats endpoint."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

import orjson
from django.http import HttpResponse


def points_response(starts: Iterable[int], counts: Sequence[int], headers: Mapping[str, str]) -> HttpResponse:
    """`[[1537308000.0, 459], …]` as Python's json module writes it, in a tenth of its time.

    `starts` are seconds since the epoch, as many as there are counts.
    """
    pairs = list(zip(map(float, starts), counts, strict=True))
    try:
        # There is no text in it, so every comma is one that separates.
        body = orjson.dumps(pairs).replace(b",", b", ")
    except TypeError:  # a sum of counts that are full is wider than its 64 bits
        body = json.dumps(pairs).encode()
    return HttpResponse(body, "application/json", headers=dict(headers))
