"""A request that no view of ours answers, or that one could not: JSON under /api/, a plain page elsewhere.

Django's own page of a failed CSRF check has its style in it, which the Content-Security-Policy forbids.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string


def refusal(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    if request.path_info.startswith("/api/"):
        return JsonResponse({"detail": f"{title}. {text}"}, status=status)
    # Without the request, of which a page might ask who is signed in, and so the database, which may be what fails.
    page = render_to_string("statsapi/refusal.html", {"title": title, "text": text})
    return HttpResponse(page, status=status)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF_FAILURE_VIEW."""
    return refusal(
        request,
        403,
        "The form was refused",
        "It is too old, or cookies are off. Go back, load the page anew and try again.",
    )
