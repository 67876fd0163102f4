"""Request bodies, read within bounds.

Read straight from the WSGI input, because Django takes a body without Content-Length for an empty one, and
a chunked body has none. Two limits hold: on the bytes as sent and on the bytes unpacked. The body comes in
pieces, so that whoever can count without holding it does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from django.db import connection

from statsapi.http.encodings import PIECE, unpack
from statsapi.http.errors import BodyLimit, RequestError

DRAINED = 64 * 1024


class Input(Protocol):
    def read(self, size: int, /) -> bytes: ...


def read_body(environ: Mapping[str, Any], *, sent: BodyLimit, unpacked: BodyLimit) -> bytes:
    """The unpacked body of a WSGI request, whole. Raises RequestError as `stream_body` does."""
    return b"".join(stream_body(environ, sent=sent, unpacked=unpacked))


def stream_body(environ: Mapping[str, Any], *, sent: BodyLimit, unpacked: BodyLimit) -> Iterator[bytes]:
    """The unpacked body of a WSGI request, as it comes.

    Raises RequestError: 413 above a limit (with a Content-Length above it at once, before anything is read), 400 for
    an encoding that does not hold or a body that ends before its Content-Length.
    """
    chunks = _sent_chunks(environ["wsgi.input"], _announced_length(environ), sent)
    return bounded(unpack(chunks, environ.get("HTTP_CONTENT_ENCODING", "")), unpacked)


def drain(environ: Mapping[str, Any]) -> None:
    """Reads a body that nobody wants, unless it is long.

    A server closes the connection of a body that was not read to its end. A client that keeps its connections, or is
    still sending, would then not see the answer.
    """
    let_go_of_the_database()
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
    """The pieces; 413 as soon as they are more than the limit."""
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > limit.maximum:
            raise limit.exceeded("the unpacked body")
        yield piece


def _announced_length(environ: Mapping[str, Any]) -> int | None:
    """Content-Length; None where the body ends when the input does; 0 where there is no body.

    A server that marks the end of the input itself says so by wsgi.input_terminated. On any other, reading
    on without a length would wait for a client that has nothing more to send.
    """
    text = environ.get("CONTENT_LENGTH") or ""
    if not text:
        return None if environ.get("wsgi.input_terminated") else 0
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise _unreadable("bad Content-Length")
    return int(text)


def _sent_chunks(source: Input, length: int | None, limit: BodyLimit) -> Iterator[bytes]:
    # A generator of its own would refuse only when first read from; the length is refused at once.
    if length is not None and length > limit.maximum:
        raise limit.exceeded("the request body")
    let_go_of_the_database()
    return _read_chunks(source, length, limit)


def _read_chunks(source: Input, length: int | None, limit: BodyLimit) -> Iterator[bytes]:
    # One byte more than the limit is asked for where the length is unknown: its arrival is the proof of too
    # much.
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


def let_go_of_the_database() -> None:
    """For as long as a body comes: that may be minutes, and the connections to PostgreSQL are few
    (statsapi/postgresql)."""
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        connection.close()


def _unreadable(cause: str) -> RequestError:
    return RequestError(400, "failed to read request body", [cause], "invalid_body")
