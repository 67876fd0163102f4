"""Clients that repeat each event until it is acknowledged, while a test does something to the service."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.clients.live import IntakeService, Sender, event
from tests.faults.stage import refuses_for_now
from tests.servers import wait_for
from tests.service import Answer

TIMEOUT = 2.0
"""Seconds that the service waits for Redis: more than the default, because Redis may be late on a busy machine."""

LONGEST = 2 * TIMEOUT + 4
"""Most seconds for an answer while the cluster is broken: a time-out, twice, and time for a busy machine."""


class Sending:
    """Four clients, each of which sends events with new ids and repeats an event until it is answered 200."""

    def __init__(self, service: IntakeService, sender: Sender) -> None:
        self.service, self.sender = service, sender
        self.acknowledged: list[str] = []
        self.acknowledged_at: list[float] = []
        """Times of the acknowledgements, by time.monotonic()."""
        self.refused: list[Answer] = []
        self._ended, self._failed = threading.Event(), threading.Event()

    def during(self, act: Callable[[], object]) -> None:
        """Run `act` while the clients send. Fail if a refusal is not a proper 503 or comes too late."""
        with ThreadPoolExecutor(4) as clients:
            running = [clients.submit(self._send) for _ in range(4)]
            try:
                self._send_some_more()
                act()
                self._send_some_more()
                self._ended.set()
                for client in running:
                    client.result(40)
            except BaseException:
                self._failed.set()  # so that they do not try for ever
                raise
            finally:
                self._ended.set()
        assert all(refuses_for_now(answer) for answer in self.refused)
        assert max((answer.seconds for answer in self.refused), default=0) < LONGEST

    def _send_some_more(self) -> None:
        enough = len(self.acknowledged) + 200
        wait_for(lambda: len(self.acknowledged) >= enough, "200 more events", 40)

    def _send(self) -> None:
        with self.service.connect() as connection:
            while not self._ended.is_set():
                name = uuid.uuid4().hex
                while (answer := connection.send(self.sender, event(name))).status != 200:
                    self.refused.append(answer)
                    if self._failed.is_set():
                        return
                self.acknowledged_at.append(time.monotonic())
                self.acknowledged.append(name)


def send_until_acknowledged(service: IntakeService, sender: Sender, body: bytes) -> None:
    """Repeat a body until it is answered 200, as a client does after a failover.

    A worker that has not noticed yet that a master is dead refuses the first events.
    """

    def is_acknowledged() -> bool:
        answer = service.send(sender, body)
        assert answer.status == 200 or refuses_for_now(answer), answer
        return answer.status == 200

    wait_for(is_acknowledged, "an acknowledged event")
