"""An ASGI application for real servers: the door with views that a test can hold and watch.

`/constant` answers at once. `/wait` waits until the file that the query names exists. `/rows` is a long answer in
pieces: it appends to the file that the query names when it begins and when it is closed. `/length` answers how many
bytes of a body its view could read.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

if not settings.configured:
    settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="x" * 50, DATABASES={})
    django.setup()

from statsapi.door.django import Django
from statsapi.door.stopping import Stopping
from statsapi.http.handler import Handler

MOST = 100_000
SECONDS = float(os.environ.get("BODY_TIMEOUT", "20"))


def constant(request: HttpRequest) -> HttpResponse:
    return HttpResponse("here")


def wait(request: HttpRequest) -> HttpResponse:
    while not Path(request.GET["file"]).exists():
        time.sleep(0.005)
    return HttpResponse("waited")


def rows(request: HttpRequest) -> StreamingHttpResponse:
    file = Path(request.GET["file"])
    number = int(request.GET["number"])

    def pieces() -> Iterator[bytes]:
        with file.open("a") as log:
            log.write("began\n")
        for row in range(number):
            yield b"%08d\n" % row

    response = StreamingHttpResponse(pieces(), "text/csv")
    closing = response.close

    def close() -> None:
        closing()
        with file.open("a") as log:
            log.write("closed\n")

    response.close = close  # type: ignore[method-assign]
    return response


def length(request: HttpRequest) -> HttpResponse:
    text = f"{len(request.META['wsgi.input'].read())} of {request.META.get('CONTENT_LENGTH')}"
    return HttpResponse(text, headers={"Content-Length": str(len(text))})


urlpatterns = [path("constant", constant), path("wait", wait), path("rows", rows), path("length", length)]
_django = Django(Handler(), MOST, SECONDS, 4)


async def _answer(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    await _django(scope, receive, send)


app = Stopping(_answer)
