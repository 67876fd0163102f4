"""[timestamp, count] pairs as JSON, the answer of the stats endpoints.

The JSON is written by hand (docs/decisions/0006-json-written-by-hand.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Annotated

from django.http import HttpResponse

from statsapi.api.shapes import More
from tsdb.timeline import Starts

Pairs = Annotated[
    list[tuple[float, int]],
    More(
        description="[timestamp, count] pairs, ascending; a timestamp is its bucket's start, seconds since the epoch."
    ),
]


def pairs_response(starts: Starts, counts: Sequence[int], headers: Mapping[str, str]) -> HttpResponse:
    """Return `[[1537308000.0, 459], …]` as Python's json module writes it, in a tenth of its time.

    `starts` are seconds since the epoch, as many as there are counts.
    """
    return _response(_template(starts) % tuple(counts), headers)


def pairs_by_project_response(
    starts: Starts, counts: Mapping[int, Sequence[int]], headers: Mapping[str, str]
) -> HttpResponse:
    """Return `{"7": [[1537308000.0, 459], …], …}` as pairs_response does. `counts` are by project id."""
    template = _template(starts)
    each = [b'"%d": %b' % (project, template % tuple(of_project)) for project, of_project in counts.items()]
    return _response(b"{%b}" % b", ".join(each), headers)


@lru_cache(maxsize=32)
def _template(starts: Starts) -> bytes:
    """Return the JSON of pairs with these timestamps, with `%d` in the place of each count."""
    return b"[%b]" % b", ".join([b"[%d.0, %%d]"] * len(starts)) % tuple(starts)


def _response(body: bytes, headers: Mapping[str, str]) -> HttpResponse:
    return HttpResponse(body, "application/json", headers=dict(headers))
