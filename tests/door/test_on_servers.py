"""The door behind real servers: granian, which `make run` starts, and uvicorn, which must work too."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.client import HTTPConnection
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

from statsapi.door.threads import LATE
from tests.door.application import MOST
from tests.servers import ROOT, Server, free_port, listens, wait_for

pytestmark = pytest.mark.once
BODY_SECONDS = 1
SERVERS = {
    "granian": ["--interface", "asginl", "--loop", "asyncio", "--http", "1", "--no-ws", "--port"],
    "uvicorn": ["--no-access-log", "--port"],
}


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture(scope="module", params=SERVERS)
def port(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    if find_spec(request.param) is None:
        pytest.skip(f"{request.param} is missing: make install")
    number = free_port()
    command = [sys.executable, "-m", request.param, *SERVERS[request.param], str(number), "tests.door.application:app"]
    log = tmp_path_factory.mktemp(request.param) / "log"
    server = Server(command, log, cwd=ROOT, BODY_TIMEOUT=str(BODY_SECONDS), DJANGO_SETTINGS_MODULE="")
    wait_for(lambda: listens(number), f"the start of {request.param}", 60)
    yield number
    server.stop()


def ask(port: int, path: str, body: object = None, headers: dict[str, str] | None = None) -> Answer:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET" if body is None else "POST", path, body, headers or {})  # type: ignore[arg-type]
        response = connection.getresponse()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
    finally:
        connection.close()


def sent(port: int, data: bytes) -> bytes:
    """Send the bytes and return everything until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", port), 20) as one:
        one.sendall(data)
        received = b""
        while piece := one.recv(65536):
            received += piece
        return received


def test_an_answer_is_whole_and_the_connection_stays_open(port: int) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    for _ in range(3):
        connection.request("GET", "/constant")
        response = connection.getresponse()
        assert (response.status, response.read(), response.headers["connection"]) == (200, b"here", None)
    connection.close()


def test_a_body_reaches_its_view_whole_and_a_chunked_one_with_its_length(port: int) -> None:
    body = b"x" * MOST
    assert ask(port, "/length", body).body == b"%d of %d" % (MOST, MOST)
    assert ask(port, "/length", iter([body[:10], body[10:]])).body == b"%d of %d" % (MOST, MOST)
    assert ask(port, "/length").body == b"0 of None"


def test_a_body_that_is_announced_as_too_long_is_not_waited_for(port: int) -> None:
    head = f"POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: {MOST + 1}\r\n\r\n"
    received = sent(port, head.encode())
    assert received.endswith(f"0 of {MOST + 1}".encode())
    assert b"connection: close" in received


def test_a_chunked_body_that_is_too_long_is_not_read_to_its_end(port: int) -> None:
    head = b"POST /length HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    received = sent(port, head + b"%x\r\n%s\r\n" % (MOST + 1, b"x" * (MOST + 1)))
    length = received.rpartition(b"0 of ")[2]
    assert int(length) > MOST


@pytest.mark.parametrize("body", ["Content-Length: 9\r\n\r\nx", "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"])
def test_a_body_that_does_not_end_is_answered_408(port: int, body: str) -> None:
    began = time.monotonic()
    received = sent(port, b"POST /length HTTP/1.1\r\nHost: x\r\n" + body.encode())
    assert received.startswith(b"HTTP/1.1 408 ")
    assert received.endswith(b'{"detail": "The body came too slowly: it has 1 s."}')
    assert time.monotonic() - began >= BODY_SECONDS


def test_while_every_thread_waits_more_are_started(port: int, tmp_path: Path) -> None:
    # Afterwards a thread is free. On a busy machine the whole is tried up to four times.
    assert any(seconds_after_a_crowd(port, tmp_path / str(number)) < LATE for number in range(4))


def seconds_after_a_crowd(port: int, file: Path) -> float:
    """Let 30 requests wait for the file, make it, and return what the first request after them took."""
    with ThreadPoolExecutor(30) as clients:
        waiting = [clients.submit(ask, port, f"/wait?file={file}") for _ in range(30)]
        answers = [ask(port, "/constant").body for _ in range(20)]
        assert not any(one.done() for one in waiting)
        file.touch()
        assert [one.result().body for one in waiting] == [b"waited"] * 30
    assert answers == [b"here"] * 20
    began = time.monotonic()
    ask(port, "/constant")
    return time.monotonic() - began


def test_a_long_answer_comes_whole_and_is_closed(port: int, tmp_path: Path) -> None:
    file = tmp_path / "log"
    answer = ask(port, f"/rows?number=200000&file={file}")
    assert answer.body == b"".join(b"%08d\n" % row for row in range(200_000))
    wait_for(lambda: file.read_text() == "began\nclosed\n", "the end of the answer")


@pytest.mark.parametrize("read", [0, 100_000])
def test_a_long_answer_ends_when_its_client_goes_away(port: int, tmp_path: Path, read: int) -> None:
    file = tmp_path / "log"
    with ExitStack() as stack:
        one = stack.enter_context(socket.create_connection(("127.0.0.1", port), 20))
        one.sendall(f"GET /rows?number=10000000000&file={file} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        wait_for(lambda: file.exists() and file.read_text() != "", "the beginning of the answer")
        while read > 0:
            read -= len(one.recv(65536))
        assert file.read_text() == "began\n"
    wait_for(lambda: file.read_text() == "began\nclosed\n", "the end of the answer")


def test_many_who_read_nothing_hold_no_thread(port: int, tmp_path: Path) -> None:
    with ExitStack() as stack:
        for number in range(20):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", port), 20))
            path = f"/rows?number=10000000000&file={tmp_path / str(number)}"
            one.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        wait_for(lambda: all((tmp_path / str(number)).exists() for number in range(20)), "the beginning of all")
        assert ask(port, "/constant").body == b"here"
    wait_for(lambda: all((tmp_path / str(n)).read_text().endswith("closed\n") for n in range(20)), "the end of all")
