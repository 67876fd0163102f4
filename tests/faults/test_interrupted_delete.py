"""A deletion of many keys that stops in the middle: no other writer waits, and a killed deletion is finished later.

See docs/reliability.md#interrupted-delete.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.faults.stage import RedisServer, postgresql
from tests.servers import ROOT, Server
from tests.service import Service

pytestmark = pytest.mark.once

KEYS = 20_000
TIMEOUT = 15
"""Seconds that a writer would wait behind a lock, and then be refused. A project's row is refused sooner."""
PATIENCE = 10
"""Most seconds for a writer on a busy machine."""

DELETE = """
import os, signal, sys
import django
django.setup()
from projects import services
from projects.models import Project
from tsdb.client import Client

looked, scan = 0, Client.scan

def scan_and_stop(self, *args, **options):
    global looked
    looked += 1
    if looked == 10:
        os.kill(os.getpid(), signal.SIGSTOP)
    return scan(self, *args, **options)

Client.scan = scan_and_stop
services.delete_project(project=Project.objects.get(pk=int(sys.argv[1])))
"""

OTHERS = """
other = services.create_organization(slug="others", name="Others")
services.create_project(organization=other, slug="theirs", name="Theirs")
answer = services.create_token(organization=other, scopes=SCOPES).secret
"""

HUGE = """
huge = services.create_project(organization=acme, slug="huge", name="Huge")
services.open_project(huge.pk)
answer = huge.pk
"""


class Deleting(NamedTuple):
    service: Service
    redis: RedisServer
    number: int
    others: str
    """A token of another organization."""
    process: Server

    def keys(self) -> int:
        with self.redis.client() as client:
            return sum(1 for _ in client.scan_iter(f"ts:{{{self.number}}}:*", count=1000))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    if request.param == "sqlite":
        yield {}
        return
    with postgresql() as (_, url):
        yield {"DATABASE_URL": url}


@pytest.fixture
def deleting(database: dict[str, str], own_redis: RedisServer, tmp_path: Path) -> Iterator[Deleting]:
    """Yield the project `huge` while a process that deletes it stands still between two steps."""
    with own_redis.client() as client:
        client.flushall()
    url = f"redis://127.0.0.1:{own_redis.port}"
    settings = {"TSDB_URL": f"{url}/0", "CACHE_URL": f"{url}/1", "DATABASE_TIMEOUT": str(TIMEOUT)}
    service = Service(tmp_path / "service", **settings, **database)
    others, number = str(service.run(OTHERS)), int(service.run(HUGE))
    with own_redis.client() as client:
        pipeline = client.pipeline(transaction=False)
        for claim in range(KEYS):
            pipeline.set(f"ts:{{{number}}}:claim:{claim}", "x", ex=3600)
        pipeline.execute()
    command = [sys.executable, "-c", DELETE, str(number)]
    process = Server(command, tmp_path / "log", cwd=ROOT, **service._environment)
    status = Path(f"/proc/{process.process.pid}/stat")
    process.wait_until(lambda: status.read_text().rpartition(")")[2].split()[0] == "T", "the stop in the middle")
    deleting = Deleting(service, own_redis, number, others, process)
    assert 0 < deleting.keys() < KEYS
    yield deleting
    process.stop(signal.SIGKILL)
    service.stop()


def write(deleting: Deleting, organization: str, project: str, **headers: str) -> None:
    ask = deleting.service.ask
    rows = {"outcomes": [{"outcome": "accepted", "environment": "production"}]}
    answers = [
        ask("POST", f"/api/0/organizations/{organization}/projects/", {"name": "made-meanwhile"}, **headers),
        ask("POST", f"/api/0/projects/{organization}/{project}/keys/", {"name": "made-meanwhile"}, **headers),
        ask("POST", f"/api/0/projects/{organization}/{project}/outcomes/", rows, **headers),
        ask("DELETE", f"/api/0/projects/{organization}/made-meanwhile/", **headers),
    ]
    assert [answer.status for answer in answers] == [201, 201, 201, 204], answers
    assert max(answer.seconds for answer in answers) < PATIENCE


def test_other_writers_do_not_wait_for_a_deletion_of_many_keys(deleting: Deleting) -> None:
    write(deleting, "others", "theirs", authorization=f"Bearer {deleting.others}")
    write(deleting, "acme", "web")
    deleting.process.resume()
    assert deleting.process.process.wait(60) == 0
    assert deleting.keys() == 0
    assert deleting.service.ask("GET", "/api/0/projects/acme/huge/").status == 404


def test_killed_in_the_middle_it_is_finished_by_whoever_asks_for_its_counts(deleting: Deleting) -> None:
    deleting.process.stop(signal.SIGKILL)
    assert deleting.service.ask("GET", "/api/0/projects/acme/huge/stats/").status == 404
    assert deleting.keys() == 0
    assert deleting.service.run('answer = Project.objects.filter(slug="huge").exists()') is False
