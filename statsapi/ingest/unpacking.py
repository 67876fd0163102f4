"""The body of a request of intake, within its limits and unpacked, in pieces as they come."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from statsapi.door import threads
from statsapi.door.body import BodyLost
from statsapi.http.bounded_body import BoundedBody, unreadable
from statsapi.http.errors import RequestError
from statsapi.ingest.body_limits import body_limit
from statsapi.ingest.request import Request

QUICK_BYTES = 256 * 1024
"""Unpacking so much takes a millisecond at most. What a piece of the body holds beyond that is unpacked in a thread,
so that others are served meanwhile."""

STRETCH = 1024 * 1024
"""The bytes that a thread unpacks before they are used, and so the most that are held."""


async def unpacked(request: Request, sent: str, whole: str, *, reads_on: bool = False) -> AsyncIterator[bytes]:
    """Yield the unpacked body in pieces. `sent` and `whole` name the settings of its limits, as sent and unpacked.

    Raises RequestError 413 if a limit is exceeded, and 400 if the body cannot be unpacked or does not come whole. If
    Content-Length says that a limit will be exceeded, this happens at once, or, if it `reads_on`, after what lies
    within the limit. Raises BodyTooSlow.
    """
    encoding, limit, length = request.header("content-encoding") or "", body_limit(sent), request.body.length
    if reads_on and length is not None and length > limit.maximum:
        length = None
    body = BoundedBody(encoding, sent=limit, unpacked=body_limit(whole), length=length)
    while data := await _piece(request):
        pieces, room = body.feed(data), QUICK_BYTES
        for piece in pieces:
            yield piece
            room -= len(piece)
            if room <= 0:
                async for more in _in_thread(pieces):
                    yield more
    for piece in body.end():
        yield piece


async def whole_body(request: Request, sent: str, whole: str) -> bytes:
    """Return the whole unpacked body. Raises as `unpacked` does, and TooManyBodies."""
    pieces, size = [], 0
    async for piece in unpacked(request, sent, whole):
        pieces.append(piece)
        size += len(piece)
        request.held.now(size)
    return b"".join(pieces)


async def _piece(request: Request) -> bytes:
    try:
        return await request.body.piece()
    except BodyLost:
        raise unreadable("the connection was lost") from None


async def _in_thread(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    error = None
    while error is None:
        stretch, error = await threads.in_thread(_next, pieces)
        for piece in stretch:
            yield piece
        if not stretch:
            break
    if error is not None:
        raise error


def _next(pieces: Iterator[bytes]) -> tuple[list[bytes], RequestError | None]:
    """Return the next pieces, none at the end, and the error after the last of them, if there is one."""
    taken, size = [], 0
    try:
        for piece in pieces:
            taken.append(piece)
            size += len(piece)
            if size >= STRETCH:
                break
    except RequestError as error:
        return taken, error
    return taken, None
