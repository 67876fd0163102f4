"""Lists in pages, with a cursor in the Link header: `value:offset:is_prev`, of which only the offset matters here."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.db.models import Model, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from statsapi.api.errors import BadQuery

Row = TypeVar("Row", bound=Model)

MOST_PER_PAGE = 100
_CURSOR = re.compile(r"[0-9]{1,18}:([0-9]{1,9}):[01]")


def paginated(request: Request, rows: QuerySet[Row], show: Callable[[Sequence[Row]], list[Any]]) -> Response:
    """One page of the rows, which must be in a definite order. Raises BadQuery."""
    per_page, offset = _per_page(request), _offset(request)
    page = list(rows[offset : offset + per_page + 1])
    links = [
        _link(request, max(0, offset - per_page), "previous", offset > 0),
        _link(request, offset + per_page, "next", len(page) > per_page),
    ]
    return Response(show(page[:per_page]), headers={"Link": ", ".join(links)})


def _per_page(request: Request) -> int:
    text = request.query_params.get("per_page")
    if not text:
        return MOST_PER_PAGE
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= MOST_PER_PAGE:
        raise BadQuery(f"Invalid per_page value. Must be between 1 and {MOST_PER_PAGE}.")
    return int(text)


def _offset(request: Request) -> int:
    text = request.query_params.get("cursor")
    if not text:
        return 0
    match = _CURSOR.fullmatch(text)
    if not match:
        raise BadQuery("Invalid cursor parameter.")
    return int(match[1])


def _link(request: Request, offset: int, relation: str, results: bool) -> str:
    cursor = f"0:{offset}:{1 if relation == 'previous' else 0}"
    kept = [(name, value) for name, values in request.query_params.lists() if name != "cursor" for value in values]
    base = request.build_absolute_uri(request.path)
    url = f"{base}?{urlencode(kept)}&cursor={cursor}" if kept else f"{base}?&cursor={cursor}"
    return f'<{url}>; rel="{relation}"; results="{str(results).lower()}"; cursor="{cursor}"'
