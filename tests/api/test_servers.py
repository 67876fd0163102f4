"""What only a real web server shows, with granian, which `make run` starts, and uvicorn, which must work too."""

from __future__ import annotations

import gzip
import http.client
import json
import select
import socket
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.api.live import OUTCOMES, STATS, Answer, LiveServer

pytestmark = pytest.mark.once

ROW = b'{"outcomes": [{"outcome": "accepted"}]}'
LIMIT = 1024 * 1024


def headers_of(answer: Answer) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.headers.items() if name.lower() not in ("date", "connection")}


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (f"{STATS}?until=1541455200", {}, 200),
        (f"{STATS}?stat=x", {}, 400),
        (STATS, {"authorization": ""}, 401),
        ("/api/0/projects/acme/missing/stats/", {}, 404),
        ("/api/0/nothing/", {}, 404),
        (STATS.rstrip("/"), {}, 404),
        (OUTCOMES, {}, 405),
        (STATS, {"host": "elsewhere.example"}, 400),
    ],
)
def test_head_is_get_without_the_body(live: LiveServer, path: str, headers: dict[str, str], status: int) -> None:
    got = live.request("GET", path, **headers)
    head = live.request("HEAD", path, **headers)
    assert got.status == head.status == status
    if status == 405:  # each names itself
        assert (json.loads(got.body), head.body) == ({"detail": 'Method "GET" not allowed.'}, b"")
        return
    assert headers_of(head) == headers_of(got)
    assert headers_of(head)["content-length"] == str(len(got.body))
    assert head.body == b""


def test_nothing_follows_the_headers_of_head(live: LiveServer) -> None:
    request = (
        f"HEAD {STATS} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {live.token}\r\nConnection: close\r\n\r\n"
    )
    received = live.exchange(request.encode())
    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.endswith(b"\r\n\r\n")
    assert received.count(b"\r\n\r\n") == 1


def test_options_is_empty_and_needs_no_credentials(live: LiveServer) -> None:
    answer = live.request("OPTIONS", STATS, authorization="")
    assert (answer.status, answer.body) == (200, b"")
    headers = headers_of(answer)
    assert (headers["allow"], headers["content-length"]) == ("GET, HEAD, OPTIONS", "0")
    assert "content-type" not in headers


def test_the_headers_are_the_contracts(live: LiveServer) -> None:
    headers = headers_of(live.request("GET", STATS))
    wanted = {
        "allow": "GET, HEAD, OPTIONS",
        "content-language": "en",
        "content-type": "application/json",
        "vary": "Accept-Language, Cookie",
        "x-content-type-options": "nosniff",
        "x-frame-options": "deny",
        "x-xss-protection": "1; mode=block",
    }
    assert {name: headers.get(name) for name in wanted} == wanted


def received(live: LiveServer) -> int:
    points = live.request("GET", f"{STATS}?resolution=1d").json()
    return sum(count for _, count in points)


def test_a_chunked_body_is_counted(live: LiveServer) -> None:
    before = received(live)
    answer = live.chunked(OUTCOMES, ROW[:7], ROW[7:20], ROW[20:])
    assert (answer.status, answer.json()) == (201, {"accepted": 1})
    assert received(live) == before + 1


def test_a_chunked_body_above_the_limit_is_413(live: LiveServer) -> None:
    before = received(live)
    answer = live.chunked(OUTCOMES, ROW, *[b" " * 65536] * 17)
    assert (answer.status, answer.json()) == (413, {"detail": f"The body is larger than {LIMIT} bytes."})
    assert received(live) == before


def test_a_chunked_body_that_is_no_json_is_400(live: LiveServer) -> None:
    answer = live.chunked(OUTCOMES, b"[" * 100_000)
    assert (answer.status, answer.json()) == (400, {"detail": "The body is not valid JSON."})


@pytest.mark.parametrize(
    ("method", "path", "credentials", "status"),
    [
        ("POST", OUTCOMES, "", 401),
        ("POST", OUTCOMES.replace("web", "missing"), "Authorization: Bearer {}\r\n", 404),
        ("PUT", "/api/0/projects/acme/missing/", "Authorization: Bearer {}\r\n", 404),
        ("DELETE", STATS, "Authorization: Bearer {}\r\n", 405),
    ],
)
def test_a_write_that_is_refused_is_answered_when_its_body_is_there_and_the_connection_goes_on(
    live: LiveServer, method: str, path: str, credentials: str, status: int
) -> None:
    """Otherwise a client that sends its body after the headers could lose the connection, and get no answer."""
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{credentials.format(live.token)}"
    with socket.create_connection(("127.0.0.1", live.port), 20) as connection:
        connection.sendall(f"{head}Content-Length: {len(ROW)}\r\n\r\n".encode())
        assert not select.select([connection], [], [], 0.3)[0]
        connection.sendall(ROW)
        for expected in (status, 200):
            response = http.client.HTTPResponse(connection)
            response.begin()
            response.read()
            assert response.status == expected
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")


def test_a_length_above_the_limit_is_413_before_the_body_is_sent(live: LiveServer) -> None:
    head = (
        f"POST {OUTCOMES} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {live.token}\r\n"
        f"Content-Length: {10 * LIMIT}\r\nConnection: close\r\n\r\n"
    )
    received = live.exchange(head.encode(), ROW)
    assert received.startswith(b"HTTP/1.1 413 ")


def test_a_body_that_ends_before_its_length_counts_nothing(live: LiveServer) -> None:
    before = received(live)
    head = (
        f"POST {OUTCOMES} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {live.token}\r\n"
        f"Content-Length: {len(ROW) + 100}\r\nConnection: close\r\n\r\n"
    )
    live.cut_off(head.encode() + ROW)
    assert received(live) == before
    assert live.request("GET", STATS).status == 200


@pytest.mark.parametrize(
    ("encoding", "body", "status"),
    [
        ("gzip", gzip.compress(ROW, mtime=0), 201),
        ("deflate", zlib.compress(ROW), 201),
        ("identity", ROW, 201),
        ("gzip", ROW, 400),
        ("gzip", gzip.compress(ROW, mtime=0)[:-9], 400),
        ("lzma", ROW, 400),
        ("gzip", gzip.compress(ROW + b" " * (50 * LIMIT), mtime=0), 413),
    ],
)
def test_a_packed_body_is_unpacked_within_the_limit(live: LiveServer, encoding: str, body: bytes, status: int) -> None:
    answer = live.request("POST", OUTCOMES, body, content_encoding=encoding)
    assert answer.status == status
    assert list(answer.json()) == ["accepted" if status == 201 else "detail"]


def test_an_idempotency_key_that_comes_many_times_at_once_is_counted_once(live: LiveServer) -> None:
    before = received(live)

    def send(_: int) -> Answer:
        return live.request("POST", OUTCOMES, ROW, idempotency_key="at once")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(24)))
    assert {(answer.status, answer.body) for answer in answers} == {(201, b'{"accepted": 1}')}
    assert received(live) == before + 1


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_refused_write_is_answered_in_json(live: LiveServer, method: str) -> None:
    answer = live.request(method, STATS, ROW, authorization="")
    assert (answer.status, answer.json()) == (401, {"detail": "Authentication credentials were not provided."})
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api"'


def test_no_token_stands_in_the_servers_log(live: LiveServer) -> None:
    live.request("GET", f"{STATS}?token={live.token}", authorization="")
    live.request("GET", f"{STATS}?stat=x")
    assert live.token not in live.log.read_text()
