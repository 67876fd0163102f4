"""A start while 400 clients wait, each for another of 10 000 projects that the server has never seen.

The first answer comes within 2 s of when it would come without the crowd, and the others soon after. Threads, memory
and connections stay bounded. The test runs on SQLite and the embedded Valkey, and on PostgreSQL and a cluster.
See docs/reliability.md#cold-start.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.clients.live import IntakeService, event
from tests.cluster import ClusterServer
from tests.faults.stage import holds_once
from tests.servers import answers, listens, wait_for
from tsdb.client import MOST_CONNECTIONS

WAITING = 400
THERE_ARE = 10_000
LONGEST = 10.0
PATIENCE = 60.0
"""Seconds to wait for an answer. A start takes long on a busy machine."""
MOST_MEGABYTES = 300

MAKE_MANY = f"""
from projects.models import ProjectKey
made = Project.objects.bulk_create(
    [Project(organization=acme, slug=f"many-{{number}}", name="Many") for number in range({THERE_ARE})], batch_size=500
)
keys = ProjectKey.objects.bulk_create([ProjectKey(project=one) for one in made], batch_size=500)
answer = [[key.project_id, key.public] for key in keys]
"""


@pytest.fixture
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ClusterServer | None]:
    """Yield a cluster if the run has `--external`, else None."""
    if not request.config.getoption("--external"):
        yield None
        return
    server = ClusterServer(tmp_path / "cluster", external=True)
    yield server
    server.stop()


@pytest.fixture
def service(cluster: ClusterServer | None, tmp_path: Path) -> Iterator[IntakeService]:
    settings = {"TSDB_URL": cluster.url} if cluster else {}
    service = IntakeService(tmp_path / "intake", workers=1, **settings)
    yield service
    service.stop()


def started(service: IntakeService) -> float:
    """Return the seconds that a start takes without a crowd."""
    service.web.stop()
    began = time.monotonic()
    service.restart()
    wait_for(lambda: answers(f"http://127.0.0.1:{service.port}", "/healthz"), "an answer")
    return time.monotonic() - began


def ask_all(port: int, senders: list[tuple[int, str]]) -> list[tuple[str, float]]:
    """Send an event from each sender at once, and return the status and the time of each answer in order of arrival."""
    ways, told = selectors.DefaultSelector(), []
    body = event()
    for project, public in senders:
        one = socket.create_connection(("127.0.0.1", port), 20)
        head = f"POST /api/{project}/envelope/?sentry_key={public} HTTP/1.1\r\nHost: localhost\r\n"
        one.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        ways.register(one, selectors.EVENT_READ, one)
    while ways.get_map() and (found := ways.select(PATIENCE)):
        for key, _ in found:
            told.append((key.data.recv(65536).partition(b" ")[2][:3].decode(), time.monotonic()))
            ways.unregister(key.data)
            key.data.close()
    return told


def figure(process: int, name: str) -> int:
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition(f"{name}:")[2].split()[0])


def test_a_crowd_that_waits_for_the_start_is_answered(service: IntakeService, cluster: ClusterServer | None) -> None:
    senders = [(project, public) for project, public in service.run(MAKE_MANY)]
    measured: list[tuple[float, float, float]] = []

    def is_soon() -> bool:
        places = slice(len(measured), None, THERE_ARE // WAITING)  # others each time
        alone = started(service)
        service.web.stop()
        began = time.monotonic()
        service.restart()
        wait_for(lambda: listens(service.port), "a port")
        told = ask_all(service.port, senders[places])
        assert Counter(status for status, _ in told) == {"200": WAITING}
        measured.append((alone, first := told[0][1] - began, last := told[-1][1] - began))
        return first < alone + 2 and last < alone + LONGEST

    assert holds_once(is_soon), measured
    [worker] = service.workers()
    assert figure(worker, "VmHWM") < MOST_MEGABYTES * 1024
    assert figure(worker, "Threads") < 512 + 40
    if cluster:
        read, write = 1, 1
        for node in cluster.nodes:
            clients = redis.Redis(port=node.port).info("clients")["connected_clients"]
            assert clients <= (read + write) * MOST_CONNECTIONS + 20, clients
