"""The answer to a request that is refused before or instead of its view: JSON under /api/, a page elsewhere.

Django's own page for a failed CSRF check holds its style, which the Content-Security-Policy forbids.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers

from statsapi.http.theme import theme_of

PASSING = (HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE)
"""What may be over when the same page is asked for again."""


def refusal(
    request: HttpRequest, status: int, title: str, text: str, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """Return the answer with this status, title, text and headers."""
    if request.path_info.startswith("/api/"):
        return JsonResponse({"detail": f"{title}. {text}"}, status=status, headers=headers)
    # The page is made without the request. With it, a page could ask who is signed in, and so ask the database, which
    # may be what has failed. It has no form, so that two answers to an outsider are equal to the last byte.
    shown = {
        "title": title,
        "text": text,
        "status": status,
        "again": status in PASSING and request.method == "GET",
        "theme": theme_of(request),
    }
    page = HttpResponse(render_to_string("pages/message.html", shown), status=status, headers=headers)
    page.headers["Cache-Control"] = "no-store"
    patch_vary_headers(page, ["Cookie"])
    return page


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a failed CSRF check: Django's CSRF_FAILURE_VIEW."""
    return refusal(
        request,
        403,
        "The form was refused",
        "It is too old, or cookies are off. Go back, load the page anew and try again.",
    )
