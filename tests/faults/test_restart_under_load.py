"""Workers that are ended under load: every request that was sent gets its whole answer.

See docs/reliability.md#sigterm.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.clients.live import IntakeService, Sender, event
from tests.servers import wait_for
from tests.service import PATIENT

pytestmark = pytest.mark.once

Ask = Callable[[HTTPConnection], None]


def reading(service: IntakeService, _: Sender) -> Ask:
    headers = {"Authorization": f"Bearer {service.token}"}
    return lambda connection: connection.request("GET", "/api/0/projects/acme/web/stats/", headers=headers)


def counting(_: IntakeService, sender: Sender) -> Ask:
    headers = {"X-Sentry-Auth": sender.auth}
    return lambda connection: connection.request("POST", sender.path("envelope"), event(), headers)


@pytest.mark.parametrize("clients", [16, 64])
@pytest.mark.parametrize("kind", [reading, counting])
def test_each_kept_connection_gets_its_answer_and_is_closed_after_it(
    tmp_path: Path, kind: Callable[[IntakeService, Sender], Ask], clients: int
) -> None:
    service = IntakeService(tmp_path, workers=2, **PATIENT)
    answered = threading.Semaphore(0)

    def client(ask: Ask) -> int:
        """Ask on one connection until an answer says that it is the last. Return the number of answers."""
        connection, number = HTTPConnection("127.0.0.1", service.port, timeout=20), 0
        while True:
            ask(connection)
            response = connection.getresponse()
            body = response.read()
            assert (response.status, body[-1:]) in ((200, b"]"), (200, b"}"))
            number += 1
            answered.release()
            if response.headers["connection"] == "close":
                assert connection.sock is None
                return number

    try:
        sender = service.new_sender()
        workers = service.workers()
        with ThreadPoolExecutor(clients) as threads:
            asking = threads.map(client, [kind(service, sender)] * clients)
            for _ in range(20 * clients):
                assert answered.acquire(timeout=20)
            os.kill(service.web.process.pid, signal.SIGTERM)
            numbers = list(asking)
        wait_for(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers), "the end of the workers")
        if kind is counting:
            service.restart()
            assert service.stat(sender) == sum(numbers)
    finally:
        service.stop()
