"""A request body within bounds, without I/O: what was sent is fed in, and the unpacked body comes out in pieces.

There are two limits, one for the bytes as sent and one for the bytes unpacked. A caller that needs only a part of the
body does not hold the whole.
"""

from __future__ import annotations

from collections.abc import Iterator

from statsapi.http.encodings import Unpacker
from statsapi.http.errors import BodyLimit, RequestError


class BoundedBody:
    """Unpacks one body. `length` is its Content-Length, and None if it ends where the input ends.

    Raises RequestError 413 if the length exceeds the limit, and 400 if the encoding is unknown. What `feed` returns is
    unpacked while it is iterated, so it must be iterated to its end before the next call. That raises RequestError 413
    after the last byte within the limits, and 400 if the body cannot be unpacked.
    """

    __slots__ = ("_got", "_length", "_out", "_sent", "_unpacked", "_unpacker")

    def __init__(self, encoding: str, *, sent: BodyLimit, unpacked: BodyLimit, length: int | None) -> None:
        if length is not None and length > sent.maximum:
            raise sent.exceeded("the request body")
        self._unpacker = Unpacker(encoding)
        self._sent, self._unpacked, self._length = sent, unpacked, length
        self._got = self._out = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Return the unpacked pieces of what was sent."""
        room = self._sent.maximum - self._got
        self._got += len(data)
        if self._got > self._sent.maximum:
            return self._cut(data[: max(0, room)])
        return self._bounded(self._unpacker.feed(data))

    def end(self) -> Iterator[bytes]:
        """Return the last pieces. Raises RequestError 400 if the body ends early, also before its Content-Length."""
        if self._length is not None and self._got < self._length:
            raise unreadable("the body ends before its Content-Length")
        return self._bounded(self._unpacker.end())

    def _cut(self, data: bytes) -> Iterator[bytes]:
        yield from self._bounded(self._unpacker.feed(data))
        raise self._sent.exceeded("the request body")

    def _bounded(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            room = self._unpacked.maximum - self._out
            self._out += len(piece)
            if len(piece) > room:
                if room > 0:
                    yield piece[:room]
                raise self._unpacked.exceeded("the unpacked body")
            yield piece


def content_length(text: str | None) -> int | None:
    """Return the number of bytes that a Content-Length announces, or None without one.

    Raises RequestError 400 if it is no number.
    """
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise unreadable("bad Content-Length")
    return int(text)


def unreadable(cause: str) -> RequestError:
    """Return the error to raise if a body does not come whole."""
    return RequestError(400, "failed to read request body", [cause], "invalid_body")
