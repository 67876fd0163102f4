"""A worker that is ended under load: every request that was sent gets its whole answer.

See docs/reliability.md#sigterm.
"""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.servers import wait_for
from tests.service import Service

pytestmark = pytest.mark.once
CLIENTS = 16


def test_each_kept_connection_gets_its_answer_and_is_closed_after_it(tmp_path: Path) -> None:
    service = Service(tmp_path)
    answered = threading.Semaphore(0)

    def client(_: int) -> str:
        """Ask on one connection until an answer says that it is the last."""
        connection = HTTPConnection("127.0.0.1", service.port, timeout=20)
        headers = {"Authorization": f"Bearer {service.token}"}
        while True:
            connection.request("GET", "/api/0/projects/acme/web/stats/", headers=headers)
            response = connection.getresponse()
            body = response.read()
            assert (response.status, body[-1:]) == (200, b"]")
            answered.release()
            if response.headers["connection"] == "close":
                assert connection.sock is None
                return "told"

    try:
        [worker] = service.workers()
        with ThreadPoolExecutor(CLIENTS) as clients:
            asking = clients.map(client, range(CLIENTS))
            for _ in range(20 * CLIENTS):
                assert answered.acquire(timeout=20)
            os.kill(service.web.process.pid, signal.SIGTERM)
            assert list(asking) == ["told"] * CLIENTS
        wait_for(lambda: not Path(f"/proc/{worker}").exists(), "the end of the worker")
    finally:
        service.stop()
