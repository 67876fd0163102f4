"""Every error of the API, in one shape: JSON with a `detail` (tests/api/test_errors.py pins each)."""

from __future__ import annotations

import json
import logging
import secrets
import sys
from typing import Any

from django.conf import settings
from django.core.exceptions import (
    BadRequest,
    DisallowedHost,
    ObjectDoesNotExist,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from redis.exceptions import RedisError
from rest_framework import status
from rest_framework.exceptions import APIException, NotFound, ParseError
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_exception_handler

from projects.connections import rejoin
from projects.outage import database_outage
from projects.services import LimitReached
from statsapi.http.refusal_pages import refusal
from statsapi.operations import metrics
from tsdb.embedded import EmbeddedServerError
from tsdb.facts import TooManySeries

log = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 1
"""Long enough for a lost connection to be made anew, short enough for a client that waits."""

_RETRY = {"Retry-After": str(RETRY_AFTER_SECONDS)}

NO_REDIS = "The counts cannot be reached right now."

ASK_FOR_LESS = (
    "Ask for less: with project= first, then with category=, outcome=, reason= or key_id=, or for a shorter range."
)


class BadQuery(APIException):
    """A query parameter that cannot be obeyed."""

    status_code = status.HTTP_400_BAD_REQUEST


class BadBody(APIException):
    """A body that cannot be read to its end, or obeyed; one that is no JSON is a ParseError."""

    status_code = status.HTTP_400_BAD_REQUEST


class Missing(NotFound):
    """Not there, deleted, or another organization's: the caller cannot tell which."""

    default_detail = "The requested resource does not exist"


class Conflict(APIException):
    status_code = status.HTTP_409_CONFLICT


class Moved(Exception):
    """The object has another slug now, under `url`."""

    def __init__(self, slug: str, url: str) -> None:
        self.slug = slug
        self.url = url
        super().__init__(slug)


class TooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Django REST Framework's hook."""
    if isinstance(error, Moved):
        extra = {"url": error.url, "slug": error.slug}
        detail = {"code": "resource-moved", "message": "Resource has been moved", "extra": extra}
        # After a 302 a client asks with GET, whatever it sent: of a write that would look like success. 308 keeps both.
        code = 302 if context["request"].method in ("GET", "HEAD") else 308
        return Response({"slug": error.slug, "detail": detail}, status=code, headers={"Location": error.url})
    if isinstance(error, ParseError):
        error = ParseError("The body is not valid JSON.")
    if isinstance(error, ObjectDoesNotExist):
        error = Missing()  # deleted after it was looked up
    if isinstance(error, TooManySeries):
        error = BadQuery(f"The question is too large: {error}. {ASK_FOR_LESS}")
    if isinstance(error, LimitReached):
        error = BadBody(" ".join(error.messages))
    if isinstance(error, APIException):
        return drf_exception_handler(error, context)
    return Response(*_failure(error))


def failure(error: Exception) -> HttpResponse:
    """The answer to an exception that no view caught, as for one that a view of the API raised."""
    body, code, _, headers = _failure(error)
    return _json(body, code, headers)


def _failure(error: Exception) -> tuple[dict[str, str], int, None, dict[str, str]]:
    """Body, status, (template: none), headers: as Response takes them."""
    if isinstance(error, DisallowedHost):
        return (
            {"detail": "Invalid Host header. ALLOWED_HOSTS names the hosts that are served."},
            400,
            None,
            {},
        )
    if isinstance(error, RequestDataTooBig):
        return {"detail": f"The body is larger than {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes."}, 413, None, {}
    if isinstance(error, SuspiciousOperation | BadRequest | MultiPartParserError | UnreadablePostError):
        return {"detail": "Bad request"}, 400, None, {}
    outage = unavailable(error)
    if outage is not None:
        return {"detail": f"{outage} Try again in a moment."}, 503, None, _RETRY
    error_id = secrets.token_hex(16)
    log.error("internal error", exc_info=error, extra={"error_id": error_id})
    return {"detail": "Internal Error", "errorId": error_id}, 500, None, {}


def unavailable(error: Exception) -> str | None:
    """What cannot be reached or refuses its work, in a sentence, and noted; None: the error is of another kind."""
    outage = NO_REDIS if isinstance(error, RedisError | EmbeddedServerError) else database_outage(error)
    if outage == NO_REDIS:
        metrics.redis_failed(error)
        rejoin()
    if outage is not None:
        log.error("a request could not be served: %s: %s", type(error).__name__, error)
    return outage


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400."""
    return failure(exception)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's handler404: a path that leads nowhere."""
    path = request.path_info
    if path.startswith("/api/") and not path.endswith("/"):
        return _json({"detail": f"Route not found, did you forget a trailing slash? try: {path}/"}, 404, {})
    return _json({"detail": str(Missing.default_detail)}, 404, {})


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500, for what fails outside of /api/ or before any view. It is called while that is handled."""
    error = sys.exception()
    if not isinstance(error, Exception):
        error = RuntimeError("unknown")
    if not request.path_info.startswith("/api/"):  # a page, which a person looks at
        outage = unavailable(error)
        if outage is not None:
            page = refusal(request, 503, "Not right now", f"{outage} Try again in a moment.")
            page.headers["Retry-After"] = _RETRY["Retry-After"]
            return page
    return failure(error)


def _json(body: dict[str, str], code: int, headers: dict[str, str]) -> HttpResponse:
    return HttpResponse(json.dumps(body), "application/json", code, headers=headers)
