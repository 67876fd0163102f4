"""Lists in pages. The Link header has cursors, `value:offset:is_prev`. Only their offset is used here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.db.models import Model, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from statsapi.api.errors import BadQuery
from statsapi.api.parameters import Pattern, WholeNumber

Row = TypeVar("Row", bound=Model)

PER_PAGE = WholeNumber("per_page", "", 1, 100, default=100)
CURSOR = Pattern("cursor", "Of a `Link` header: `0:100:0`.", "[0-9]{1,18}:([0-9]{1,9}):[01]")
PAGES = [PER_PAGE, CURSOR]
"""What `paginated` reads."""


def paginated(request: Request, rows: QuerySet[Row], show: Callable[[Sequence[Row]], list[Any]]) -> Response:
    """Return one page of the rows, which must be in a definite order. Raises BadQuery."""
    per_page, offset = PER_PAGE.read(request.query_params), _offset(request)
    page = list(rows[offset : offset + per_page + 1])
    links = [
        _link(request, max(0, offset - per_page), "previous", offset > 0),
        _link(request, offset + per_page, "next", len(page) > per_page),
    ]
    return Response(show(page[:per_page]), headers={"Link": ", ".join(links)})


def _offset(request: Request) -> int:
    text = CURSOR.text(request.query_params)
    if not text:
        return 0
    match = CURSOR.form.fullmatch(text)
    if not match:
        raise BadQuery("Invalid cursor parameter.")
    return int(match[1])


def _link(request: Request, offset: int, relation: str, results: bool) -> str:
    cursor = f"0:{offset}:{1 if relation == 'previous' else 0}"
    kept = [(name, value) for name, values in request.query_params.lists() if name != CURSOR.name for value in values]
    base = request.build_absolute_uri(request.path)
    url = f"{base}?{urlencode(kept)}&cursor={cursor}" if kept else f"{base}?&cursor={cursor}"
    return f'<{url}>; rel="{relation}"; results="{str(results).lower()}"; cursor="{cursor}"'
