"""Request bodies, read within bounds from the WSGI input.

Django takes a body without Content-Length for an empty one, and a chunked body has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from statsapi.http.bounded_body import BoundedBody, content_length, unreadable
from statsapi.http.encodings import PIECE
from statsapi.http.errors import BodyLimit


class Input(Protocol):
    """`wsgi.input`. Only its `read` is used."""

    def read(self, size: int, /) -> bytes: ...


def read_body(environ: Mapping[str, Any], *, sent: BodyLimit, unpacked: BodyLimit) -> bytes:
    """Return the whole unpacked body of a WSGI request. Raises RequestError as `stream_body` does."""
    return b"".join(stream_body(environ, sent=sent, unpacked=unpacked))


def stream_body(environ: Mapping[str, Any], *, sent: BodyLimit, unpacked: BodyLimit) -> Iterator[bytes]:
    """Return the unpacked body of a WSGI request in pieces, as it comes.

    Raises RequestError 413 if a limit is exceeded. If Content-Length exceeds it, this happens before anything is read.
    Raises RequestError 400 if the body cannot be unpacked, or ends before its Content-Length.
    """
    length = _announced_length(environ)
    body = BoundedBody(environ.get("HTTP_CONTENT_ENCODING", ""), sent=sent, unpacked=unpacked, length=length)
    # If the length is unknown, one byte more than the limit is asked for. Its arrival proves that the body is too long.
    return _unpacked(environ["wsgi.input"], sent.maximum + 1 if length is None else length, body)


def _announced_length(environ: Mapping[str, Any]) -> int | None:
    """Return Content-Length, or None if the body ends where the input ends, or 0 if there is no body.

    A server that marks the end of the input says so by wsgi.input_terminated. With any other server, reading without a
    length would wait for a client that has nothing more to send.
    """
    length = content_length(environ.get("CONTENT_LENGTH"))
    return 0 if length is None and not environ.get("wsgi.input_terminated") else length


def _unpacked(source: Input, left: int, body: BoundedBody) -> Iterator[bytes]:
    while left > 0:
        try:
            chunk = source.read(min(PIECE, left))
        except OSError:
            raise unreadable("the connection was lost") from None
        if not chunk:
            break
        left -= len(chunk)
        yield from body.feed(chunk)
    yield from body.end()
