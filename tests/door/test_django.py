"""What the door refuses itself (statsapi/door/django.py)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from django.http import HttpResponse, StreamingHttpResponse

from statsapi.door import django, holding
from statsapi.door.django import Django

SCOPE = {"method": "POST", "scheme": "http", "http_version": "1.1", "raw_path": b"/", "query_string": b""}
BODY = b"x" * (holding.SHORT + 1)


def ask(body: bytes, answer: Any = None) -> tuple[int, dict[bytes, bytes], bytes]:
    """Return the status, the headers and the body of an answer."""
    messages: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        messages.append(message)

    def handler(environ: dict[str, Any], start: Any) -> Any:
        start("200 OK", [])
        return answer or HttpResponse(environ["wsgi.input"].read())

    length = str(len(body)).encode()
    asyncio.run(Django(handler, 10**6, 20, 1)({**SCOPE, "headers": [(b"content-length", length)]}, receive, send))
    return messages[0]["status"], dict(messages[0]["headers"]), b"".join(one.get("body", b"") for one in messages)


def test_long_bodies_that_together_take_too_much_memory_are_503(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(BODY) == (200, {}, BODY)
    monkeypatch.setattr(holding, "MOST_HELD", 1000)
    status, headers, _ = ask(BODY)
    assert (status, headers[b"retry-after"], headers[b"connection"]) == (503, b"1", b"close")
    assert ask(BODY[:-1])[0] == 200


def test_a_request_is_503_when_too_many_wait_for_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("statsapi.door.threads.WAITING", 0)
    status, headers, body = ask(b"x")
    assert (status, headers[b"retry-after"]) == (503, b"1")
    assert json.loads(body) == {"detail": "Too many requests are waiting. Try again in a moment."}


def test_an_answer_in_pieces_is_503_and_closed_when_too_many_are_being_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(django, "MOST_STREAMS", 0)
    answer = StreamingHttpResponse([b"x"])
    assert ask(b"x", answer)[0] == 503
    assert answer.closed


def test_a_client_that_takes_an_answer_too_slowly_loses_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(django, "READ_SECONDS", 0.01)
    answer = StreamingHttpResponse(b"x" for _ in range(10))

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            await asyncio.get_running_loop().create_future()

    async def receive() -> dict[str, Any]:
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    def handler(environ: dict[str, Any], start: Any) -> Any:
        start("200 OK", [])
        return answer

    asyncio.run(Django(handler, 0, 20, 1)({**SCOPE, "headers": []}, receive, send))
    assert "An answer was read too slowly" in caplog.text
    assert answer.closed
