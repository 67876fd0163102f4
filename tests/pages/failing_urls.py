"""The URLs of the service, and addresses whose view fails in every way that a view can."""

from __future__ import annotations

from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.urls import path
from redis.exceptions import ConnectionError as RedisConnectionError

from statsapi.urls import handler400, handler403, handler404, handler500, urlpatterns
from tsdb.facts import TooManyGroups, TooManySeries

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

SECRET = "a password in the text of an error"
ERRORS: dict[str, Exception] = {
    "bad": BadRequest(SECRET),
    "long": RequestDataTooBig(SECRET),
    "forbidden": PermissionDenied(SECRET),
    "broken": ZeroDivisionError(SECRET),
    "series": TooManySeries(SECRET),
    "groups": TooManyGroups(SECRET),
    "no-redis": RedisConnectionError(SECRET),
    "no-database": OperationalError(f"connection refused {SECRET}"),
}


def fail(request: HttpRequest, how: str) -> HttpResponse:
    raise ERRORS[how]


urlpatterns = [path("fail/<str:how>/", fail), *urlpatterns]
