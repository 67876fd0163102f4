"""Many clients at once on a server with two workers: repeats, quotas, slow senders, a killed worker, a deletion.

See docs/reliability.md#worker-killed, docs/reliability.md#same-id-at-once, docs/reliability.md#same-id-in-two-projects,
docs/reliability.md#slow-senders and docs/reliability.md#deleted-project.
"""

from __future__ import annotations

import http.client
import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import pytest

from tests.clients.live import IntakeService, Sender, event
from tests.faults.intake.crowd import at_once
from tests.servers import listens, wait_for

EVENT_ID = "fc6d8c0c43fc4630ad850ee518f1b9d0"
RESOLUTIONS = ("10s", "1h", "1d")
DAY = 86400


def test_the_same_id_from_fifty_clients_at_once_is_counted_once(service: IntakeService, sender: Sender) -> None:
    answers = at_once(50, lambda _: service.send(sender, event(EVENT_ID)))

    assert [(answer.status, answer.json()) for answer in answers] == [(200, {"id": EVENT_ID})] * 50
    assert [service.stat(sender, resolution=resolution) for resolution in RESOLUTIONS] == [1, 1, 1]


def test_the_first_events_of_a_project_from_200_clients_at_once_are_all_counted(
    service: IntakeService, sender: Sender
) -> None:
    """Each client has a thread. No thread may hold a connection to PostgreSQL of its own, which allows a hundred."""
    answers = at_once(200, lambda _: service.send(sender, event()))

    assert Counter(answer.status for answer in answers) == {200: 200}
    assert service.stat(sender) == 200


def test_the_same_id_is_counted_once_in_each_project(service: IntakeService, sender: Sender) -> None:
    other = service.new_sender()
    answers = at_once(20, lambda number: service.send((sender, other)[number % 2], event(EVENT_ID)))

    assert {answer.status for answer in answers} == {200}
    assert (service.stat(sender), service.stat(other)) == (1, 1)


def test_of_fifty_clients_at_once_a_key_takes_exactly_its_limit(service: IntakeService) -> None:
    wait_for(lambda: time.time() % DAY < DAY - 60, "the new day", 70)  # a new window must not begin during the test
    sender = service.new_sender(limit=100, window=DAY)

    def client(_: int) -> list[int]:
        with service.connect() as connection:
            return [connection.send(sender, event(environment="production")).status for _ in range(6)]

    assert Counter(status for statuses in at_once(50, client) for status in statuses) == {200: 100, 429: 200}
    assert service.facts(sender) == {
        ("error", "accepted", "none"): 100,
        ("error", "rate_limited", "key_quota"): 200,
    }
    for resolution in RESOLUTIONS:
        sums = [service.stat(sender, stat, resolution) for stat in ("received", "generated", "rejected", "blacklisted")]
        assert sums == [300, 100, 200, 0]


def test_when_a_worker_is_killed_what_was_acknowledged_is_counted(service: IntakeService, sender: Sender) -> None:
    clients, each = 8, 1250
    acknowledged = count()

    def client(_: int) -> int:
        mine = 0
        with service.connect() as connection:
            for _ in range(each):
                try:
                    assert connection.send(sender, event()).status == 200
                except (OSError, http.client.HTTPException):
                    time.sleep(0.05)  # the worker was killed, and its answer is lost
                    continue
                mine += 1
                next(acknowledged)
        return mine

    killed: list[int] = []

    def killer() -> None:
        # Each only once: granian ends as a whole if a worker dies twice within seconds.
        for share, worker in enumerate(service.workers(), start=1):
            wait_for(lambda share=share: _so_far(acknowledged) > share * clients * each // 4, "more events", 60)  # type: ignore[misc]
            os.kill(worker, signal.SIGKILL)
            killed.append(worker)

    thread = threading.Thread(target=killer)
    thread.start()
    answered = sum(at_once(clients, client))
    thread.join()

    assert len(killed) == 2
    wait_for(lambda: len(set(service.workers()) - set(killed)) == 2, "the return of the workers", 60)
    wait_for(lambda: listens(service.port), "the return of the server")
    counted = [service.stat(sender, resolution=resolution) for resolution in RESOLUTIONS]
    assert answered <= counted[0] <= clients * each
    assert counted == [counted[0]] * 3
    assert service.send(sender, event()).status == 200


def _so_far(counter: Iterator[int]) -> int:
    """Return how often `next` was called, which is safe among threads, unlike a plain +=."""
    return int(repr(counter)[6:-1])


@contextmanager
def dripping(port: int, heads: list[bytes]) -> Iterator[list[socket.socket]]:
    """Open a socket for each head and send the head at once, then one byte a second until the block ends."""
    ended = threading.Event()
    sockets = [socket.create_connection(("127.0.0.1", port), 20) for _ in heads]
    for one, head in zip(sockets, heads, strict=True):
        one.sendall(head)

    def drip() -> None:
        while not ended.wait(1):
            for one in sockets:
                one.sendall(b"x")

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield sockets
    finally:
        ended.set()
        thread.join()
        for one in sockets:
            one.close()


def test_while_200_clients_send_a_byte_a_second_others_are_served(service: IntakeService, sender: Sender) -> None:
    head = f"POST {sender.path('envelope')} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Sentry-Auth: {sender.auth}\r\n".encode()
    slow_bodies = [head + b"Content-Length: 5000\r\n\r\n"] * 200
    slow_heads = [head + b"X-Slow: "] * 50
    with dripping(service.port, slow_bodies + slow_heads) as sockets:
        until, sent = time.monotonic() + 5, 0
        while time.monotonic() < until:
            answers = at_once(8, lambda _: service.send(sender, event()))
            assert {answer.status for answer in answers} == {200}
            assert max(answer.seconds for answer in answers) < 5
            sent += len(answers)
            assert service.stat(sender) == sent
        for one in sockets:
            one.setblocking(False)
            with pytest.raises(BlockingIOError):  # neither answered nor closed, so it was slow all the time
                one.recv(1)


def test_a_deleted_project_is_refused_at_once_and_leaves_nothing_behind(service: IntakeService) -> None:
    sender = service.new_sender(limit=10**6, window=DAY)
    deleted, ended = threading.Event(), threading.Event()

    afterwards: list[int] = []
    """The statuses of the requests that began after the deletion."""

    def client(number: int) -> set[int]:
        """Send until the test ends. Return the statuses of all requests."""
        statuses = set[int]()
        with service.connect() as connection:
            while not ended.is_set():
                after = deleted.is_set()
                status = connection.send(sender, event(environment=f"environment-{number}")).status
                statuses.add(status)
                if after:
                    afterwards.append(status)
        return statuses

    keys = f"answer = [key.decode() for key in get_store().clients.read.scan_iter('ts:{{{{{sender.project}}}}}:*')]"
    keys = keys.replace("{{", "{").replace("}}", "}")

    def deleter() -> None:
        try:
            wait_for(lambda: service.stat(sender) > 100, "the stream of events")
            gone = f"answer = services.delete_project(project=Project.objects.get(pk={sender.project}))"
            assert service.run(gone) > 0
            deleted.set()
            assert service.run(keys) == []
            wait_for(lambda: len(afterwards) >= 200, "requests after the deletion")
        finally:
            ended.set()

    thread = threading.Thread(target=deleter)
    thread.start()
    results = at_once(8, client)
    thread.join()

    assert deleted.is_set()
    assert set().union(*results) == {200, 403}
    assert set(afterwards) == {403}
    assert service.run(keys) == []
    path = f"/api/0/projects/acme/{sender.slug}/stats/"
    assert service.ask("GET", path).status == 404
    again = (
        f"services.create_project(organization=Organization.objects.get(slug='acme'), slug='{sender.slug}', name='x')"
    )
    service.run(again)
    answer = service.ask("GET", path)
    assert (answer.status, {number for _, number in answer.json()}) == (200, {0})
