"""The body of a request on the event loop: in pieces, as they come, and under a deadline."""

from __future__ import annotations

from asyncio import get_running_loop, timeout_at
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from typing import Any

from statsapi.http.errors import RequestError

DRAINED = 64 * 1024
"""The longest rest of a body, in bytes, that is read although nobody uses it."""

Scope = Mapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class BodyLost(Exception):
    """The client went away before the end of its body."""


class BodyTooSlow(Exception):
    """The body did not come to its end in time."""


class Body:
    """The body of one request, which has `seconds` from now on.

    With a `pace`, in bytes a second, what comes gives it more time: a second for so many bytes. `length` is its
    Content-Length in bytes, 0 without a body, None if the body is chunked. Raises RequestError 400 if Content-Length is
    no number.
    """

    __slots__ = ("_deadline", "_left", "_receive", "_seconds_a_byte", "length")

    def __init__(self, scope: Scope, receive: Receive, seconds: float, pace: int = 0) -> None:
        self.length = self._left = announced_length(scope)
        self._receive = receive
        self._deadline = get_running_loop().time() + seconds
        self._seconds_a_byte = 1 / pace if pace else 0.0

    async def piece(self) -> bytes:
        """Return the next piece, which is empty at the end of the body only. Raises BodyLost, BodyTooSlow."""
        while self._left != 0:  # after the last byte nothing is asked for: each question costs some 20 µs
            try:
                async with timeout_at(self._deadline):
                    message = await self._receive()
            except TimeoutError:
                raise BodyTooSlow from None
            if message["type"] != "http.request":
                raise BodyLost
            piece: bytes = message.get("body", b"")
            self._deadline += len(piece) * self._seconds_a_byte
            if self._left is not None:
                self._left -= len(piece)
            if not message.get("more_body", False):
                if self._left:
                    raise BodyLost
                self._left = 0
            if piece:
                return piece
        return b""

    async def drain(self) -> None:
        """Read what is left of the body and forget it, unless it is long.

        The server closes the connection if a body was not read to its end. A client that is still sending, or that
        keeps its connections, would then not see the answer.
        """
        room = DRAINED
        with suppress(BodyLost, BodyTooSlow):
            while room > 0 and (self._left is None or self._left <= room) and (piece := await self.piece()):
                room -= len(piece)


def announced_length(scope: Scope) -> int | None:
    """Return Content-Length, 0 if there is no body, or None if the body is chunked. Raises RequestError 400."""
    length: int | None = 0
    for name, value in scope["headers"]:
        if name == b"transfer-encoding":
            return None
        if name == b"content-length":
            if not value.isdigit() or len(value) > 18:
                raise RequestError(400, "failed to read request body", ["bad Content-Length"], "invalid_body")
            length = int(value)
    return length
