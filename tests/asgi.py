"""A client for tests that run in this process: it sends to intake's ASGI application, and all else to Django."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from io import BytesIO
from typing import Any, TypeVar
from unittest import mock
from urllib.parse import unquote_to_bytes

from django.http import HttpResponse
from django.test import Client as DjangoClient

from statsapi.door import threads
from statsapi.ingest import app
from statsapi.ingest.addresses import Found, endpoint_of

T = TypeVar("T")

PIECE = 64 * 1024


class Client(DjangoClient):
    """Django's test client, with intake.

    The event loop lasts for one request. What would run in a thread runs in this one, which has the test's transaction.
    """

    def request(self, **request: Any) -> Any:
        environ = self._base_environ(**request)  # type: ignore[attr-defined]
        found = endpoint_of(unquote_to_bytes(environ["PATH_INFO"]).decode(errors="replace"))
        if found is None:
            return super().request(**request)
        body = environ["wsgi.input"].read()
        with mock.patch.object(threads, "in_thread", _here):
            return asyncio.run(_answer(found, _scope(environ), body))

    def send(self, path: str, body: bytes, content_type: str = "text/plain", **headers: str) -> Any:
        """POST a body as it is, and return Django's answer. Headers are written with `_`, as `content_encoding`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.post(path, body, content_type=content_type, headers=named)


async def _here(function: Callable[..., T], *arguments: Any) -> T:
    loop = asyncio.get_running_loop()
    asyncio._set_running_loop(None)  # Django refuses to ask the database where a loop runs
    try:
        return function(*arguments)
    finally:
        asyncio._set_running_loop(loop)


def _scope(environ: dict[str, Any]) -> dict[str, Any]:
    headers = [
        (name.removeprefix("HTTP_").replace("_", "-").lower().encode(), str(value).encode("latin-1"))
        for name, value in environ.items()
        if name.startswith("HTTP_") or (name in ("CONTENT_LENGTH", "CONTENT_TYPE") and value)
    ]
    return {
        "type": "http",
        "method": environ["REQUEST_METHOD"],
        "scheme": environ["wsgi.url_scheme"],
        "path": environ["PATH_INFO"],
        "query_string": environ.get("QUERY_STRING", "").encode("latin-1"),
        "headers": headers,
        "client": (environ.get("REMOTE_ADDR", ""), 1),
    }


async def _answer(found: Found, scope: dict[str, Any], body: bytes) -> HttpResponse:
    source, sent = BytesIO(body), []

    async def receive() -> dict[str, Any]:
        piece = source.read(PIECE)
        return {"type": "http.request", "body": piece, "more_body": source.tell() < len(body)}

    async def send(message: Any) -> None:
        sent.append(message)

    await app.answer(found, scope, receive, send)
    start, content = sent
    response = HttpResponse(content["body"], status=start["status"])
    del response.headers["Content-Type"]
    for name, value in start["headers"]:
        response.headers[name.decode().title()] = value.decode("latin-1")
    response.json = lambda: json.loads(response.content)  # type: ignore[attr-defined]
    return response
