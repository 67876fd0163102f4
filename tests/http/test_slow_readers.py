"""Clients that read a file slowly or not at all. faults/intake/test_slow_clients.py shows that others are served."""

from __future__ import annotations

import os
import socket
import time
from typing import Any

import pytest
from django.test import RequestFactory

from statsapi.http import slow_readers
from statsapi.http.static_files import SECONDS, SMALL, Files

pytestmark = [pytest.mark.django_db, pytest.mark.once]  # the end of a request looks at the connections
LARGE = "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"


def ask(path: str = LARGE, method: str = "GET", **headers: str) -> Any:
    return Files(lambda _request: None)(RequestFactory().generic(method, path, headers=headers))


def test_a_place_is_free_again_whether_the_file_was_read_or_not() -> None:
    before = Files.free._value
    read, unread_one, ranged = ask(), ask(), ask(range=f"bytes=0-{SMALL}")
    assert len(b"".join(read)) == int(read["Content-Length"])
    assert Files.free._value == before - 3
    for response in (read, unread_one, ranged, read):
        response.close()
    assert Files.free._value == before


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({}, 503),
        ({"range": f"bytes=0-{SMALL}"}, 503),
        ({"range": "bytes=0-9"}, 206),
        ({"method": "HEAD"}, 200),
        ({"path": "/static/admin/css/base.css"}, 200),
    ],
)
def test_what_needs_no_thread_takes_no_place(
    monkeypatch: pytest.MonkeyPatch, request_: dict[str, str], status: int
) -> None:
    monkeypatch.setattr(Files.free, "_value", 0)
    response = ask(**request_)
    assert response.status_code == status
    response.close()
    assert Files.free._value == 0


def test_a_file_is_handed_out_for_some_time_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = iter(response := ask())
    assert len(next(pieces)) == SMALL
    over = time.monotonic() + SECONDS + 1
    monkeypatch.setattr(time, "monotonic", lambda: over)
    assert list(pieces) == []
    response.close()


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux alone has it")
def test_each_connection_ends_whose_client_takes_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, open(os.devnull) as file:
        assert slow_readers._set_timeouts([listening.fileno(), file.fileno(), 10**6]) == 1
        with socket.create_connection(listening.getsockname()), listening.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 1000 * slow_readers.SECONDS
