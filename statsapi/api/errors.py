"""Every error of the API, in one shape: JSON with a `detail` (tests/api/test_errors.py pins each)."""

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
    """A body that cannot be read to its end, or obeyed; one that is no JSON is a ParseError."""

    status_code = status.HTTP_400_BAD_REQUEST


class Missing(NotFound):
    """Not there, deleted, or another organization's: the caller cannot tell which."""

    default_detail = failures.NOT_FOUND


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
        extra = MovedExtra(url=error.url, slug=error.slug)
        detail = MovedDetail(code="resource-moved", message="Resource has been moved", extra=extra)
        # After a 302 a client asks with GET, whatever it sent: of a write that would look like success. 308 keeps both.
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
