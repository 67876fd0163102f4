"""The answer to a request that is refused before or instead of its view: JSON under /api/, a plain page elsewhere.

Django's own page for a failed CSRF check holds its style, which the Content-Security-Policy forbids.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string


def refusal(
    request: HttpRequest, status: int, title: str, text: str, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """Return the answer with this status, title, text and headers."""
    if request.path_info.startswith("/api/"):
        return JsonResponse({"detail": f"{title}. {text}"}, status=status, headers=headers)
    # The page is made without the request. With it, a page could ask who is signed in, and so ask the database, which
    # may be what has failed.
    page = render_to_string("pages/message.html", {"title": title, "text": text})
    return HttpResponse(page, status=status, headers=headers)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a failed CSRF check: Django's CSRF_FAILURE_VIEW."""
    return refusal(
        request,
        403,
        "The form was refused",
        "It is too old, or cookies are off. Go back, load the page anew and try again.",
    )
