"""The errors of the API. Each is JSON with a `detail`; tests/api/test_errors.py pins them all."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from django.core.exceptions import ObjectDoesNotExist
from rest_framework import status
from rest_framework.exceptions import APIException, NotFound, ParseError
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_exception_handler

from projects.services import LimitReached
from statsapi.http import failures
from tsdb.facts import TooManySeries

ASK_FOR_LESS = (
    "Ask for less: with project= first, then with category=, outcome=, reason= or key_id=, or for a shorter range."
)


class Detail(TypedDict):
    """The body of an error."""

    detail: str


class MovedExtra(TypedDict):
    """Where a renamed project is now."""

    url: str
    slug: str


class MovedDetail(TypedDict):
    """What a redirect says to programs and to people."""

    code: Literal["resource-moved"]
    message: str
    extra: MovedExtra


class MovedAnswer(TypedDict):
    """The body of a redirect to a renamed project."""

    slug: str
    detail: MovedDetail


class BadQuery(APIException):
    """A query parameter that cannot be obeyed."""

    status_code = status.HTTP_400_BAD_REQUEST


class BadBody(APIException):
    """A body that cannot be read to its end, or cannot be obeyed. A body that is not JSON is a ParseError."""

    status_code = status.HTTP_400_BAD_REQUEST


class Missing(NotFound):
    """An object that does not exist, was deleted, or is another organization's. The caller cannot tell which."""

    default_detail = failures.NOT_FOUND


class Conflict(APIException):
    """A slug, a key or an Idempotency-Key that is already in use."""

    status_code = status.HTTP_409_CONFLICT


class Moved(Exception):
    """A project that has another slug now. `url` is the request's address with that slug."""

    def __init__(self, slug: str, url: str) -> None:
        self.slug = slug
        self.url = url
        super().__init__(slug)


class TooLarge(APIException):
    """A body that is larger than allowed."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return the answer to an error; the hook of Django REST Framework."""
    if isinstance(error, Moved):
        extra = MovedExtra(url=error.url, slug=error.slug)
        detail = MovedDetail(code="resource-moved", message="Resource has been moved", extra=extra)
        # After a 302 clients send a GET instead of a write, which would look like success. 308 keeps method and body.
        code = 302 if context["request"].method in ("GET", "HEAD") else 308
        return Response(MovedAnswer(slug=error.slug, detail=detail), status=code, headers={"Location": error.url})
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
    failure = failures.describe(error)
    return Response(failure.body, failure.status, headers=failure.headers)
