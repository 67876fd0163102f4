"""Bodies as they reach `read_body` through the server that the service runs on."""

from __future__ import annotations

import gzip
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.servers import ROOT, Server, free_port, listens

pytestmark = pytest.mark.once

HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    number = free_port()
    options = ["--interface", "wsgi", "--http", "1", "--port", str(number)]
    command = [sys.executable, "-m", "granian", *options, "tests.http.echo:app"]
    server = Server(command, tmp_path_factory.mktemp("granian") / "log", cwd=ROOT)
    server.wait_until(lambda: listens(number), "granian")
    yield number
    server.stop()


def answer(port: int, *parts: bytes) -> tuple[int, str]:
    """Return the status and the text of the answer to a request that is sent in these parts."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        received = b""
        with suppress(BrokenPipeError, ConnectionResetError):  # a refusal may close it while the body is on its way
            for part in parts:
                connection.sendall(part)
        with suppress(ConnectionResetError):
            while chunk := connection.recv(65536):
                received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), body.decode()


def chunked(data: bytes, size: int) -> bytes:
    parts = [data[start : start + size] for start in range(0, len(data), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def test_a_body_with_its_length_arrives(port: int) -> None:
    assert answer(port, HEAD + b"Content-Length: 5\r\n\r\n", b"hello") == (200, "5")


def test_a_chunked_body_arrives_without_a_length(port: int) -> None:
    head = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    assert answer(port, head, chunked(b"x" * 150_000, 1000)) == (200, "150000")
    packed = gzip.compress(b"x" * 500_000)
    head = HEAD + b"Transfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n"
    assert answer(port, head, chunked(packed, 7)) == (200, "500000")


def test_a_request_without_any_body_is_empty(port: int) -> None:
    assert answer(port, HEAD + b"\r\n") == (200, "0")


def test_a_giant_chunked_body_is_413_before_it_is_all_sent(port: int) -> None:
    chunk = b"%x\r\n%s\r\n" % (100_000, b"x" * 100_000)
    status, text = answer(port, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", chunk, chunk, chunk)
    assert status == 413
    assert "SENT_SETTING" in text


def test_a_giant_length_is_413_before_the_body_is_sent(port: int) -> None:
    status, text = answer(port, HEAD + b"Content-Length: 10000000000\r\n\r\n", b"x")
    assert status == 413
    assert "SENT_SETTING" in text


def test_a_client_that_promises_more_than_it_sends_does_not_harm_the_next(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(HEAD + b"Content-Length: 100\r\n\r\nhello")
    assert answer(port, HEAD + b"Content-Length: 5\r\n\r\n", b"hello") == (200, "5")
