"""Request bodies, read within bounds.

They are read straight from the WSGI input: Django takes a body without Content-Length for an empty one, and a chunked
body has none. There are two limits, one for the bytes as sent and one for the bytes unpacked. The body comes in pieces,
so that a caller which needs only a part of it does not hold the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from statsapi.http.encodings import PIECE, unpack
from statsapi.http.errors import BodyLimit, RequestError
from statsapi.postgresql.requests import release_connection

DRAINED = 64 * 1024
"""The longest body, in bytes, that is read although nobody uses it."""


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
    chunks = _sent_chunks(environ["wsgi.input"], _announced_length(environ), sent)
    return bounded(unpack(chunks, environ.get("HTTP_CONTENT_ENCODING", "")), unpacked)


def drain(environ: Mapping[str, Any]) -> None:
    """Read a body that nobody uses, unless it is long.

    The server closes the connection if a body was not read to its end. A client that is still sending, or that keeps
    its connections, would then not see the answer.
    """
    release_connection()
    try:
        length = _announced_length(environ)
        left = DRAINED if length is None else length
        while 0 < left <= DRAINED:
            chunk = environ["wsgi.input"].read(left)
            if not chunk:
                break
            left -= len(chunk)
    except (RequestError, OSError):
        pass  # the connection is lost anyway


def bounded(pieces: Iterable[bytes], limit: BodyLimit) -> Iterator[bytes]:
    """Yield the pieces. Raises RequestError 413 as soon as they are more than the limit."""
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > limit.maximum:
            raise limit.exceeded("the unpacked body")
        yield piece


def _announced_length(environ: Mapping[str, Any]) -> int | None:
    """Return Content-Length, or None if the body ends where the input ends, or 0 if there is no body.

    A server that marks the end of the input says so by wsgi.input_terminated. With any other server, reading without a
    length would wait for a client that has nothing more to send.
    """
    text = environ.get("CONTENT_LENGTH") or ""
    if not text:
        return None if environ.get("wsgi.input_terminated") else 0
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise _unreadable("bad Content-Length")
    return int(text)


def _sent_chunks(source: Input, length: int | None, limit: BodyLimit) -> Iterator[bytes]:
    # Not a generator, which would refuse only when it is first read from. The length is refused at once.
    if length is not None and length > limit.maximum:
        raise limit.exceeded("the request body")
    release_connection()
    return _read_chunks(source, length, limit)


def _read_chunks(source: Input, length: int | None, limit: BodyLimit) -> Iterator[bytes]:
    # If the length is unknown, one byte more than the limit is asked for. Its arrival proves that the body is too long.
    expected = limit.maximum + 1 if length is None else length
    got = 0
    while got < expected:
        try:
            chunk = source.read(min(PIECE, expected - got))
        except OSError:
            raise _unreadable("the connection was lost") from None
        if not chunk:
            break
        got += len(chunk)
        if got > limit.maximum:
            raise limit.exceeded("the request body")
        yield chunk
    if length is not None and got < length:
        raise _unreadable("the body ends before its Content-Length")


def _unreadable(cause: str) -> RequestError:
    return RequestError(400, "failed to read request body", [cause], "invalid_body")
