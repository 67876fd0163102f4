"""Clients that send slowly or nothing, or are lost in the middle of a body: no other client notices.

See docs/reliability.md#slow-crowds and docs/reliability.md#lost-clients.
"""

from __future__ import annotations

import json
import resource
import select
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.clients.live import IntakeService, Sender, event
from tests.faults.stage import fastest
from tests.servers import wait_for
from tests.service import Answer

pytestmark = pytest.mark.once
THREADS = 4
SENDERS = 2000
ASKED = 400
MOST_SLOWER = 10
"""1.5 is the aim, but a machine of two cores runs the crowd too."""
BODY_SECONDS = 2.0
HEADER_SECONDS = 1
SENT_BY = {"length": b"Content-Length: 5000\r\n\r\nx", "chunked": b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"}
RESET = struct.pack("ii", 1, 0)
LARGE = "/static/drf_spectacular_sidecar/redoc/bundles/redoc.standalone.js.map"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class ShortHeaders(IntakeService):
    """A service as statsapi/start/local.py starts it, with a shorter time for headers."""

    changes = f"server.HEADER_SECONDS = {HEADER_SECONDS}; "


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShortHeaders]:
    folder = tmp_path_factory.mktemp("slow")
    service = ShortHeaders(folder, BODY_TIMEOUT=str(BODY_SECONDS))
    yield service
    service.stop()


def head_of(path: str, **headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items()), ""]
    return "\r\n".join(lines).encode()


def intake(sender: Sender) -> bytes:
    return head_of(sender.path("envelope"), **{"X-Sentry-Auth": sender.auth})


@contextmanager
def connected(service: IntakeService, number: int, sent: bytes = b"") -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        sockets = []
        for _ in range(number):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", service.port), 20))
            one.sendall(sent)
            sockets.append(one)
        yield sockets


def received(one: socket.socket) -> bytes:
    """Return everything that comes until the connection is closed, within 20 s."""
    data = b""
    try:
        while piece := one.recv(65536):
            data += piece
    except ConnectionResetError:
        pass
    return data


def busy_seconds(service: ShortHeaders) -> float:
    """Return the processor time that the worker has used, in seconds."""
    [worker] = service.workers()
    fields = Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def share_of_a_core(service: ShortHeaders) -> float:
    """Return the share in half a second: the lesser of two, because a garbage collection may fall into one."""
    shares = []
    for _ in range(2):
        before, began = busy_seconds(service), time.monotonic()
        time.sleep(0.5)
        shares.append((busy_seconds(service) - before) / (time.monotonic() - began))
    return min(shares)


@pytest.mark.parametrize("body", SENT_BY)
@pytest.mark.parametrize("lost_by", ["the end of the connection", "a reset"])
def test_a_client_lost_in_the_middle_of_a_body_costs_nothing_from_then_on(
    service: ShortHeaders, sender: Sender, body: str, lost_by: str
) -> None:
    assert service.send(sender, event()).status == 200

    def lose_some_and_send() -> Answer:
        with connected(service, 2 * THREADS, intake(sender) + SENT_BY[body]) as sockets:
            if lost_by == "a reset":
                for one in sockets:
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        return service.send(sender, event())

    answer = fastest(lose_some_and_send, BODY_SECONDS / 2)
    assert (answer.status, answer.seconds < BODY_SECONDS / 2) == (200, True)  # no thread waits for a deadline
    assert share_of_a_core(service) < 0.2


def test_http_2_without_tls_is_not_spoken(service: ShortHeaders) -> None:
    with connected(service, 1, PREFACE + b"\0\0\0\4\0\0\0\0\0") as [one]:
        assert received(one).split(b" ")[:2] in ([b"HTTP/1.1", b"400"], [b""])
    assert share_of_a_core(service) < 0.2


def test_curl_lost_in_the_middle_of_an_upload_by_http_2_leaves_the_cores_idle(
    service: ShortHeaders, sender: Sender
) -> None:
    url = f"http://127.0.0.1:{service.port}{sender.path('envelope')}"
    command = ["curl", "-s", "--http2-prior-knowledge", "-X", "POST", "-T", "-", "-H", f"X-Sentry-Auth: {sender.auth}"]
    with subprocess.Popen([*command, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as curl:
        assert curl.stdin
        curl.stdin.write(b"{}\n")
        curl.stdin.flush()
        time.sleep(0.5)  # enough for curl to start the upload
        curl.kill()
    assert share_of_a_core(service) < 0.2


def test_bodies_that_never_end_are_answered_408_at_their_deadline(service: ShortHeaders, sender: Sender) -> None:
    api = head_of("/api/0/projects/acme/web/outcomes/", Authorization=f"Bearer {service.token}")
    form = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": f"csrftoken={'x' * 32}"}
    requests = [
        intake(sender) + SENT_BY["length"],
        intake(sender) + SENT_BY["chunked"],
        api + SENT_BY["length"],
        api + SENT_BY["chunked"],
        head_of("/admin/login/", **form) + SENT_BY["length"],
        head_of("/admin/login/", **form) + SENT_BY["chunked"],
    ]
    with connected(service, len(requests)) as sockets:
        began = time.monotonic()
        for one, request in zip(sockets, requests, strict=True):
            one.sendall(request)
        for one in sockets:
            first, text = received(one).split(b"\r\n", 1)
            assert first == b"HTTP/1.1 408 Request Timeout"
            detail = json.loads(text.partition(b"\r\n\r\n")[2])["detail"]
            assert detail == "The body came too slowly: it has 2 s."
            assert BODY_SECONDS <= time.monotonic() - began < BODY_SECONDS + 5


def test_an_event_whose_last_chunk_never_comes_is_not_counted(service: ShortHeaders, sender: Sender) -> None:
    whole = event()
    chunk = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(whole), whole)
    with connected(service, 1, intake(sender) + chunk) as [one]:
        assert received(one).startswith(b"HTTP/1.1 408 ")
    assert service.stat(sender) == 0


def test_while_2000_clients_send_a_byte_a_second_others_are_served_as_fast(tmp_path: Path) -> None:
    allow_descriptors(SENDERS + 500)
    service = IntakeService(tmp_path, BODY_TIMEOUT="20")
    try:
        sender = service.new_sender()
        quiet, before = p99(service, sender), memory_of(service)
        with connected(service, SENDERS, intake(sender) + SENT_BY["length"]) as sockets:
            ended = threading.Event()
            dripping = threading.Thread(target=drip, args=[sockets, ended])
            dripping.start()
            try:
                crowded, asked = p99(service, sender), 2 * ASKED
                while crowded >= MOST_SLOWER * quiet and still_waits(sockets[0]):
                    again = p99(service, sender)  # another program may have had the processor
                    asked += ASKED
                    if still_waits(sockets[0]):  # the crowd was there all the time
                        crowded = again
                assert memory_of(service) - before < SENDERS * 64 * 1024
                for one in sockets:
                    assert received(one).startswith(b"HTTP/1.1 408 ")
            finally:
                ended.set()
                dripping.join()
        assert service.stat(sender) == asked
    finally:
        service.stop()
    assert crowded < MOST_SLOWER * quiet


def p99(service: IntakeService, sender: Sender) -> float:
    """Send events one after the other, and return the seconds that 99 of 100 are faster than."""
    with service.connect() as connection:
        answers = [connection.send(sender, event()) for _ in range(ASKED)]
    assert {answer.status for answer in answers} == {200}
    return sorted(answer.seconds for answer in answers)[-ASKED // 100 - 1]


def still_waits(one: socket.socket) -> bool:
    """Return whether the client was neither answered nor closed."""
    poll = select.poll()  # select.select takes no high descriptors
    poll.register(one, select.POLLIN)
    return not poll.poll(0)


def drip(sockets: list[socket.socket], ended: threading.Event) -> None:
    """Send a byte a second on each socket that is still open."""
    left = set(sockets)
    while left and not ended.wait(1):
        for one in list(left):
            try:
                one.send(b"x")
            except OSError:  # closed, as expected
                left.discard(one)


def memory_of(service: IntakeService) -> int:
    """Return the bytes of memory that the worker uses."""
    [worker] = service.workers()
    [line] = [line for line in Path(f"/proc/{worker}/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) * 1024


def allow_descriptors(number: int) -> None:
    """Raise the limit of open files of this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < number:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(number, hard), hard))


def test_connections_that_send_no_header_or_a_slow_one_or_no_second_one_are_closed(service: ShortHeaders) -> None:
    began = time.monotonic()
    with connected(service, 3) as [silent, slow, kept]:
        kept.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")

        def drip() -> bool:
            try:
                slow.sendall(b"G")
            except OSError:
                return True
            return False

        wait_for(drip, "the end of the slow one")
        assert received(silent) == b""
        assert b'{"status": "ok", ' in received(kept)
    assert time.monotonic() - began < HEADER_SECONDS + 10


def test_who_asks_for_large_files_and_reads_none_stops_nobody(service: ShortHeaders, sender: Sender) -> None:
    # The kernel may buffer all of one answer for the client, but not of several in a row.
    get = f"GET {LARGE} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode() * 10
    answer = service.ask("GET", LARGE, authorization="")
    assert (answer.status, len(answer.body)) == (200, int(answer.headers["content-length"]))
    with ExitStack() as stack:
        for _ in range(12 * THREADS):
            one = stack.enter_context(socket.socket())
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # before it connects, so that its window is small
            one.connect(("127.0.0.1", service.port))
            one.sendall(get)
        for _ in range(5):
            assert service.send(sender, event()).status == 200
            assert service.ask("GET", "/static/admin/css/base.css").status == 200
            assert service.ask("GET", LARGE, authorization="").status == 200


def test_as_many_connections_as_a_worker_took_before_stop_nobody_when_they_are_idle(
    service: ShortHeaders, sender: Sender
) -> None:
    allow_descriptors(SENDERS + 500)
    with connected(service, SENDERS):
        assert service.send(sender, event()).status == 200
