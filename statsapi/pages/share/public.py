"""What everybody with a public link sees: a page, and the same as a picture. There is no session, and none is made.

The secret is a part of the address. So no page that is opened from here is told the address, and no search engine is
to list it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from hashlib import sha256

from csp.utils import build_policy
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.cache import get_conditional_response
from django.views.decorators.cache import never_cache
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from projects.durations import length_words
from statsapi.http import clock
from statsapi.http.theme import THEMES, theme_of
from statsapi.pages.project import table
from statsapi.pages.project.numbers import totals
from statsapi.pages.share.picture import POLICIES, Picture, draw
from statsapi.pages.share.shared import RANGES, UTC, Shared, read_shared
from tsdb.units import DAY, MINUTE

PICTURE_SECONDS = 300
"""How long a picture may be kept. A README is opened often, and those who serve its pictures keep them anyway."""

View = Callable[[HttpRequest, str], HttpResponse]


def _in_private(view: View) -> View:
    """Keep the address of a view out of search engines, and from the pages that its links lead to."""

    @wraps(view)
    def private(request: HttpRequest, token: str) -> HttpResponse:
        response = view(request, token)
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    return private


@require_safe
@never_cache
@gzip_page  # the numbers of the chart are long; the page has no form and no session
@_in_private
def share(request: HttpRequest, token: str) -> HttpResponse:
    """Show the chart and the totals of the link's project."""
    shared = read_shared(token, request.GET.get("range", ""), now=clock.now_ns(request))
    theme = _theme(request)
    # The page is made without the request. With it, a template could ask who is signed in, or begin a session.
    context = {**_context(shared, theme), "theme": theme or theme_of(request)}
    response = HttpResponse(render_to_string("pages/share/page.html", context))
    if shared.link.origins:
        response.headers["Content-Security-Policy"] = build_policy(
            replace={"frame-ancestors": list(shared.link.origins)}
        )
        response.xframe_options_exempt = True
    return response


@require_safe
@_in_private
def picture(request: HttpRequest, token: str) -> HttpResponse:
    """Draw what the link's project received as a sparkline and a number."""
    shared = read_shared(token, request.GET.get("range", ""), now=clock.now_ns(request))
    theme = _theme(request) or "auto"
    svg = draw(_picture(shared), theme)
    etag = f'"{sha256(svg.encode()).hexdigest()[:32]}"'
    response = HttpResponse(svg, "image/svg+xml; charset=utf-8")
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = f"public, max-age={PICTURE_SECONDS}"
    answer = get_conditional_response(request, etag=etag, response=response)
    assert isinstance(answer, HttpResponse)  # noqa: S101 - it is the response, or a 304 or 412 made of it
    # A 304 has it too, because it replaces the headers of the picture that was kept.
    answer.headers["Content-Security-Policy"] = POLICIES[theme]
    return answer


def _theme(request: HttpRequest) -> str:
    """Return the theme that the address names, or an empty text."""
    theme = request.GET.get("theme", "")
    return theme if theme in THEMES else ""


def _context(shared: Shared, theme: str) -> dict[str, object]:
    numbers = shared.numbers
    kept = f"&theme={theme}" if theme else ""
    shown = numbers.query.preset
    return {
        "name": shared.link.project.name,
        "counts": numbers.data,
        "totals": totals(numbers),
        "columns": table.columns(numbers),
        "rows": table.rows(numbers),
        "ranges": [(one.label, f"?range={one.name}{kept}", one is shown) for one in RANGES.values()],
        "shown": shown.label,
        "resolution": length_words(numbers.shown.interval),
        "query": numbers.query,
        "controls": {"days": "UTC" if numbers.shown.interval >= DAY else ""},
    }


def _picture(shared: Shared) -> Picture:
    numbers, shown = shared.numbers, shared.numbers.shown
    first = max(shown.start, shown.complete_since)  # what is not kept is not known, so it gets no empty bars
    start, end = (table.bucket_text(instant, MINUTE, UTC.info) for instant in (first, shown.now))
    return Picture(
        name=shared.link.project.name,
        counts=[count for count, kept in zip(numbers.received_series, numbers.kept, strict=True) if kept],
        received=sum(numbers.received_series),
        range=numbers.query.preset.label,
        start=start,
        end=f"{end} UTC",
    )
