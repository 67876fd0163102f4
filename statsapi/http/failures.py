"""The answers to exceptions that no view caught: JSON under /api/, a page elsewhere. Neither shows the cause."""

from __future__ import annotations

import json
import logging
import secrets
import sys
from typing import NamedTuple

from django.conf import settings
from django.core.exceptions import BadRequest, DisallowedHost, RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.urls import is_valid_path
from django.utils.http import escape_leading_slashes
from redis.exceptions import RedisError
from rest_framework.exceptions import APIException

from projects.connections import rejoin
from projects.database_outage import database_outage
from statsapi.http.refusal_pages import refusal
from statsapi.operations import metrics
from statsapi.operations.retry import RETRY_AFTER
from tsdb.embedded import EmbeddedServerError
from tsdb.facts import TooManyGroups, TooManySeries

log = logging.getLogger(__name__)

NO_REDIS = "The counts cannot be reached right now."
TOO_MUCH = (
    "More kinds of counts are kept here than a page can add up. Choose a shorter range, or longer bars: "
    "put resolution=1d into the address."
)
NOT_FOUND = "The requested resource does not exist"


class Failure(NamedTuple):
    """Status, JSON body and headers of an answer."""

    status: int
    body: dict[str, str]
    headers: dict[str, str]


def failure(error: Exception) -> HttpResponse:
    """Return the answer to an exception that no view caught."""
    return _response(*describe(error))


def describe(error: Exception) -> Failure:
    """Return what the client is told: 400, 413, 503, or 500 with an id that is in the log too."""
    if isinstance(error, DisallowedHost):
        return Failure(400, {"detail": "Invalid Host header. ALLOWED_HOSTS names the hosts that are served."}, {})
    if isinstance(error, RequestDataTooBig):
        return Failure(413, {"detail": f"The body is larger than {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes."}, {})
    if isinstance(error, SuspiciousOperation | BadRequest | MultiPartParserError | UnreadablePostError):
        return Failure(400, {"detail": "Bad request"}, {})
    outage = unavailable(error)
    if outage is not None:
        return Failure(503, {"detail": f"{outage} Try again in a moment."}, RETRY_AFTER)
    error_id = secrets.token_hex(16)
    log.error("internal error", exc_info=error, extra={"error_id": error_id})
    return Failure(500, {"detail": "Internal Error", "errorId": error_id}, {})


def unavailable(error: Exception) -> str | None:
    """Return a sentence that says what cannot be reached or refuses its work, and log the error.

    Return None if the error is of another kind.
    """
    outage = NO_REDIS if isinstance(error, RedisError | EmbeddedServerError) else database_outage(error)
    if outage == NO_REDIS:
        metrics.redis_failed(error)
        rejoin()
    if outage is not None:
        log.error("a request could not be served: %s: %s", type(error).__name__, error)
    return outage


def refused_question(request: HttpRequest, error: Exception) -> HttpResponse | None:
    """Return the page for a question that cannot be answered; None if the error is of another kind.

    Such errors are raised deep in what pages share with the API, for the address or for the operator's resolutions.
    """
    if isinstance(error, TooManySeries | TooManyGroups):
        return refusal(request, 400, "Too much to show", TOO_MUCH)
    if isinstance(error, APIException) and error.status_code == 400:
        cause = str(error.detail).removesuffix(".")
        said = f"{cause}. An operator can look at the resolutions, which are set in TSDB_ROLLUPS."
        return refusal(request, 400, "Cannot be shown", said)
    return None


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a bad request: Django's handler400."""
    if request.path_info.startswith("/api/"):
        return failure(exception)
    status, body, headers = describe(exception)
    if isinstance(exception, DisallowedHost):
        text = "Open it by the address that you were given. An operator can allow this one in ALLOWED_HOSTS."
        return refusal(request, status, "The service has another name", text, headers)
    if status == 413:
        return refusal(request, status, "Too much at once", f"{body['detail']} Send less.", headers)
    return refusal(request, status, "Not understood", "Go back, load the page anew and try again.", headers)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a person who may not do what they asked for: Django's handler403."""
    return refusal(
        request, 403, "Not allowed", "Your role does not allow this. An owner can do it, or change your role."
    )


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a path without a view, or an object that does not exist for the caller: Django's handler404."""
    path = request.path_info
    if not path.startswith("/api/"):
        no_view = request.resolver_match is None  # else the address is right, and what it names does not exist
        if no_view and not path.endswith("/") and request.method in ("GET", "HEAD") and is_valid_path(f"{path}/"):
            # It is the same for what exists and what does not, because only the form of the address is looked at.
            return HttpResponseRedirect(escape_leading_slashes(request.get_full_path(force_append_slash=True)))
        text = "There is nothing at this address that you can see. Check the address, and as whom you are signed in."
        return refusal(request, 404, "Not found", text)
    if not path.endswith("/") and is_valid_path(f"{path}/"):
        return _response(404, {"detail": f"Route not found, did you forget a trailing slash? try: {path}/"}, {})
    return _response(404, {"detail": NOT_FOUND}, {})


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer an exception outside /api/ or before any view: Django's handler500.

    Django calls it while it handles the error.
    """
    error = sys.exception()
    if not isinstance(error, Exception):
        error = RuntimeError("unknown")
    if not request.path_info.startswith("/api/"):  # a person looks at this page
        outage = unavailable(error)
        if outage is not None:
            return refusal(request, 503, "Not right now", f"{outage} Try again in a moment.", RETRY_AFTER)
        status, body, headers = describe(error)
        if status == 500:
            said = f"Tell the operator this number, which is in the log too: {body['errorId']}."
            return refusal(request, status, "Something went wrong here", said, headers)
    return failure(error)


def _response(status: int, body: dict[str, str], headers: dict[str, str]) -> HttpResponse:
    return HttpResponse(json.dumps(body), "application/json", status, headers=headers)
