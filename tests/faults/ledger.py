"""Clients that keep a ledger: what they sent under which id, and what they were answered."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from random import Random

from tests.clients.live import Connection, IntakeService, Sender, event
from tests.faults.stage import refuses_for_now
from tests.servers import wait_for

CLIENTS = 32
ENVIRONMENTS = ("production", "staging")
NOISE = "noise that a filter may catch"


@dataclass
class Account:
    """A project to send to. `sender` has its present key."""

    sender: Sender


@dataclass
class Entry:
    """What became of an event: how often each status was answered, and how often there was no answer."""

    account: Account
    category: str
    environment: str
    statuses: Counter[int]
    lost: int = 0

    def was(self, status: int) -> bool:
        return self.statuses[status] > 0


class Ledger:
    """Clients that keep their connections, and the ledger of all their events.

    With `repeats`, each event is sent again under its id until it is answered 200 or 429; otherwise once.
    """

    def __init__(self, service: IntakeService, accounts: list[Account], *, repeats: bool, seed: int) -> None:
        self.service, self.accounts, self._repeats, self._seed = service, accounts, repeats, seed
        self.entries: list[Entry] = []
        self.seconds: list[float] = []
        """How long each answer took."""
        self.acknowledged: list[Entry] = []
        self.refused: list[int] = []
        """The statuses of all answers that were neither 200 nor 429, in their order."""
        self._ended, self._failed = threading.Event(), threading.Event()

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Let the clients send in this block. At its end each finishes the event that it is at."""
        with ThreadPoolExecutor(CLIENTS) as clients:
            self._running: list[Future[None]] = [clients.submit(self._send, number) for number in range(CLIENTS)]
            try:
                yield
                self._ended.set()
                for client in self._running:
                    client.result(40)
            finally:
                self._failed.set()

    def wait_for_more(self, number: int) -> None:
        """Wait until so many more events are acknowledged."""
        enough = len(self.acknowledged) + number
        self.wait_for(lambda: len(self.acknowledged) >= enough, f"{number} more events")

    def wait_for_refusals(self, status: int, number: int) -> None:
        """Wait until so many more requests are refused with this status."""
        enough = self.refused.count(status) + number
        self.wait_for(lambda: self.refused.count(status) >= enough, f"{number} times {status}")

    def wait_for(self, ready: Callable[[], bool], what: str) -> None:
        """Wait until `ready()` is true. Raises what a client raised."""

        def ready_or_failed() -> bool:
            for client in self._running:
                if client.done():
                    client.result()
            return ready()

        wait_for(ready_or_failed, what, 60)

    def _send(self, number: int) -> None:
        choice = Random(f"{self._seed} {number}")
        with self.service.connect() as connection:
            while not self._ended.is_set():
                account, name = choice.choice(self.accounts), uuid.UUID(int=choice.getrandbits(128)).hex
                category = choice.choice(("error", "error", "transaction"))
                entry = Entry(account, category, choice.choice(ENVIRONMENTS), Counter())
                body, endpoint = _body(choice, entry, name)
                self.entries.append(entry)
                while not self._try(connection, entry, body, endpoint) and self._repeats:
                    if self._failed.is_set():
                        return

    def _try(self, connection: Connection, entry: Entry, body: bytes, endpoint: str) -> bool:
        """Send the event. Return whether the answer is final."""
        try:
            answer = connection.send(entry.account.sender, body, endpoint)
        except (OSError, HTTPException):
            entry.lost += 1
            time.sleep(0.1)  # nobody may be listening at this moment, and the start needs the processor
            return False
        entry.statuses[answer.status] += 1
        self.seconds.append(answer.seconds)
        if answer.status in (200, 429):
            assert answer.status == 429 or answer.json()["id"], answer
            if answer.status == 200:
                self.acknowledged.append(entry)
            return True
        assert answer.status == 403 or refuses_for_now(answer), answer
        self.refused.append(answer.status)
        return False


def _body(choice: Random, entry: Entry, name: str) -> tuple[bytes, str]:
    """Return a body with that id, and the endpoint that takes it."""
    if entry.category == "transaction":
        payload = json.dumps({"type": "transaction", "environment": entry.environment})
        return f'{{"event_id":"{name}"}}\n{{"type":"transaction"}}\n{payload}\n'.encode(), "envelope"
    said = {"message": choice.choice((NOISE, "hello")), "environment": entry.environment}
    if choice.random() < 0.3:
        return json.dumps({"event_id": name, **said}).encode(), "store"
    return event(name, **said), "envelope"
