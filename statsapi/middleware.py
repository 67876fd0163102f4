"""The service's own middleware: headers of every answer, short ways to a view, failures as JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed, StreamingHttpResponse
from django.urls import resolve
from django.utils.decorators import sync_only_middleware

from statsapi.http.failures import failure, refused_question
from statsapi.http.refusal_pages import refusal
from statsapi.settings_middleware import PROBES

GetResponse = Callable[[HttpRequest], HttpResponseBase]

_VARY = ("Accept-Language", "Cookie")


@sync_only_middleware
def response_headers(get_response: GetResponse) -> GetResponse:
    """Set the headers that every answer has, errors and pages too (docs/contract.md#headers)."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        headers = response.headers
        headers["Content-Language"] = "en"
        if not getattr(response, "xframe_options_exempt", False):  # Django's name for a page that others may frame
            headers["X-Frame-Options"] = "deny"
        headers["X-XSS-Protection"] = "1; mode=block"
        headers.setdefault("X-Content-Type-Options", "nosniff")
        if request.path_info.startswith("/api/0/"):
            also = [name.strip() for name in headers.get("Vary", "").split(",") if name.strip()]
            headers["Vary"] = ", ".join((*_VARY, *(name for name in also if name not in _VARY)))
        if isinstance(response, HttpResponse):
            # Django sets it further in, where an answer from an outer middleware does not pass.
            headers.setdefault("Content-Length", str(len(response.content)))
            if response.status_code == 204:
                del headers["Content-Length"]  # RFC 9110, 8.6: a 204 must not have one
            if request.method == "HEAD":
                response.content = b""
        elif request.method == "HEAD" and isinstance(response, StreamingHttpResponse):
            response.streaming_content = iter(())
        return response

    return middleware


@sync_only_middleware
def probes(get_response: GetResponse) -> GetResponse:
    """Answer probes without the rest of the middleware: they ask by address, which ALLOWED_HOSTS does not name."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if not PROBES.fullmatch(request.path_info):
            return get_response(request)
        found = request.resolver_match = resolve(request.path_info)
        response: HttpResponseBase = found.func(request, *found.args, **found.kwargs)
        return response

    return middleware


STRANGERS_FORM_BYTES = 16 * 1024
"""The longest form of a person who is not signed in. Such forms ask for a name and a password."""
PERSONS_FORM_BYTES = 256 * 1024
"""The longest form of a person who is signed in. The longest of a page has the lists of inbound filters twice: as they
were, and as they shall be. Operators in the admin have what Django takes."""


@sync_only_middleware
def short_forms(get_response: GetResponse) -> GetResponse:
    """Refuse a long form before the check of its CSRF token parses it.

    Two megabytes of escapes take 140 MB and a quarter of a second. Under /api/ the caller is known before a body is
    read.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        text = request.META.get("CONTENT_LENGTH") or ""
        length = int(text) if text.isdecimal() and len(text) < 10 else len(text) and sys.maxsize
        if length <= STRANGERS_FORM_BYTES or request.path_info.startswith("/api/"):
            return get_response(request)
        if not request.user.is_authenticated:
            return refusal(request, 413, "Too much at once", "Sign in before you send so much.")
        is_operators = request.path_info.startswith("/admin/") and getattr(request.user, "is_superuser", False)
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE if is_operators else PERSONS_FORM_BYTES
        if length > most:
            return refusal(request, 413, "Too much at once", f"A form has at most {most} bytes.")
        return get_response(request)

    return middleware


@sync_only_middleware
def words_for_wrong_methods(get_response: GetResponse) -> GetResponse:
    """Give a 405 outside of /api/ a page. Django's own has no body, so a person would see an empty window."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if not isinstance(response, HttpResponseNotAllowed) or request.path_info.startswith("/api/"):
            return response
        allow = {"Allow": response.headers["Allow"]}
        return refusal(request, 405, "Not this way", "A button on a page leads here, and no address does.", allow)

    return middleware


class failures_as_json:
    """Turns an exception that a view raised into JSON under /api/, and into a page elsewhere if the question was wrong.

    What else is raised outside of /api/ is for Django's handlers.
    """

    sync_capable, async_capable = True, False

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return the answer to an exception of a view, or None if Django is to find it."""
        if request.path_info.startswith("/api/"):
            return failure(exception)
        return refused_question(request, exception)
