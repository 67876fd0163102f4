"""Django behind the event loop: its WSGI handler runs in a thread, with the whole body at hand.

The loop reads a body before a thread is taken, and sends an answer after the thread is free again. An answer in pieces
takes a thread for each handful of pieces. So neither a slow sender nor a slow reader holds a thread.
"""

from __future__ import annotations

import asyncio
import io
import logging
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from django.http import HttpResponseBase

from statsapi.door.body import Body, BodyLost, BodyTooSlow, Receive, Scope, Send
from statsapi.door.environ import environ_of
from statsapi.door.holding import SHORT, Held, TooManyBodies
from statsapi.door.refusals import answer, refuse, refuse_slow_body
from statsapi.door.threads import Full, Pool
from statsapi.http.bounded_body import unreadable
from statsapi.http.errors import RequestError
from statsapi.operations.retry import RETRY_AFTER

log = logging.getLogger(__name__)

HANDFUL = 32 * 1024
"""An answer in pieces is sent in parts of at least this many bytes."""
MOST_STREAMS = 256
"""The most answers in pieces at once. Each holds some handfuls, which a client may leave unread."""
READ_SECONDS = 30.0
"""Seconds that a client has to take an answer in pieces, besides those that SLOWEST gives it."""
SLOWEST = 32 * 1024
"""Bytes a second at which a client may take an answer, however long that is."""
CLOSE = (b"connection", b"close")

Handler = Callable[[dict[str, Any], Any], HttpResponseBase]


class Content(NamedTuple):
    """What was read of a body."""

    data: bytes
    length: int | None
    """The bytes that the body has, as far as it is known; None without a body."""
    is_whole: bool


class Head(NamedTuple):
    """The beginning of an answer."""

    status: int
    headers: list[tuple[bytes, bytes]]


class Django:
    """An ASGI application that answers by a WSGI handler of Django.

    Bodies longer than `most` bytes are not read: the view sees their length and refuses them. A body has `seconds`.
    The handler runs in `threads` threads, or more (statsapi/door/threads.py).
    """

    def __init__(self, handler: Handler, most: int, seconds: float, threads: int) -> None:
        self._handler, self._most, self._seconds = handler, most, seconds
        self._threads = Pool("request", threads)
        self._streams = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        held = Held()
        try:
            content = await self._read(held, scope, receive)
            if self._threads.is_full():
                raise Full
            head, body = await self._threads.run(self._call, scope, content)
        except BodyLost:  # a client that only ended its own side still reads
            error = unreadable("the connection was lost")
            await refuse(send, error.status, error.body(), {"Connection": "close"})
            return
        except BodyTooSlow:
            await refuse_slow_body(send, self._seconds)
            return
        except RequestError as error:
            await refuse(send, error.status, error.body(), {"Connection": "close"})
            return
        except (TooManyBodies, Full):
            detail = "Too many requests are waiting. Try again in a moment."
            await refuse(send, 503, {"detail": detail}, {**RETRY_AFTER, "Connection": "close"})
            return
        finally:
            held.release()
        if not content.is_whole:
            head.headers.append(CLOSE)
        if isinstance(body, bytes):
            await answer(send, head.status, head.headers, body)
        else:
            await self._stream(receive, send, head, body)

    async def _read(self, held: Held, scope: Scope, receive: Receive) -> Content:
        """Return the body, unless it is too long.

        Raises RequestError, TooManyBodies, BodyLost, BodyTooSlow.
        """
        body = Body(scope, receive, self._seconds)
        if body.length == 0:
            return Content(b"", None, is_whole=True)
        if body.length is not None and body.length > self._most:
            return Content(b"", body.length, is_whole=False)
        pieces, size = [], 0
        while piece := await body.piece():
            pieces.append(piece)
            size += len(piece)
            if size > self._most:
                return Content(b"", size, is_whole=False)
            held.now(size)
        return Content(b"".join(pieces), size, is_whole=True)

    def _call(self, scope: Scope, content: Content) -> tuple[Head, bytes | HttpResponseBase]:
        """Return the answer of Django, in a thread. A response that is long is not read yet, and must be closed."""
        started: list[Any] = []
        environ = environ_of(scope, io.BytesIO(content.data), content.length)
        response = self._handler(environ, lambda *arguments: started.extend(arguments))
        fields = [(name.lower().encode("latin-1"), value.strip().encode("latin-1")) for name, value in started[1]]
        head = Head(response.status_code, fields)
        if response.streaming and int(response.headers.get("Content-Length", SHORT + 1)) > SHORT:
            return head, response
        try:
            return head, b"".join(response)
        finally:
            response.close()

    async def _stream(self, receive: Receive, send: Send, head: Head, response: HttpResponseBase) -> None:
        """Send an answer in pieces, until its client goes away or takes it too slowly."""
        if self._streams >= MOST_STREAMS:
            await self._threads.run(response.close)
            await refuse(send, 503, {"detail": "Too many answers are being read. Try again in a moment."}, RETRY_AFTER)
            return
        self._streams += 1
        gone = asyncio.create_task(_gone(receive))
        try:
            await send({"type": "http.response.start", **head._asdict()})
            pieces, patience = iter(response), READ_SECONDS
            while (part := await self._threads.run(_handful, pieces)) and not gone.done():
                patience += len(part) / SLOWEST - await _send_within(patience, send, part)
                if patience <= 0:
                    log.warning("An answer was read too slowly: it is cut short.")
                    return
            if not gone.done():
                await send({"type": "http.response.body", "body": b""})
        finally:
            self._streams -= 1
            gone.cancel()
            await self._threads.run(response.close)


async def _send_within(seconds: float, send: Send, part: bytes) -> float:
    """Send a part of an answer, and return how many seconds the client needed; infinity if more than it had."""
    clock = asyncio.get_running_loop().time
    began = clock()
    try:
        async with asyncio.timeout(seconds):
            await send({"type": "http.response.body", "body": part, "more_body": True})
    except TimeoutError:
        return math.inf
    return clock() - began


def _handful(pieces: Iterator[bytes]) -> bytes:
    """Return the next pieces together, which are empty at the end only."""
    part = b""
    for piece in pieces:
        part += piece
        if len(part) >= HANDFUL:
            break
    return part


async def _gone(receive: Receive) -> None:
    """Wait until the client goes away."""
    while (await receive())["type"] != "http.disconnect":
        pass
