"""A full disk under the file of Redis: reads go on, writes are refused, and nothing that was acknowledged is lost.

The Redis server is a real one. Its file lies on a file system of 6 MB, which is mounted where only this server sees it.
See docs/reliability.md#disk-full.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import redis

from tests.faults.stage import refuses_for_now
from tests.servers import Server, free_port, redis_binary, wait_for
from tests.service import Answer, Service
from tsdb.embedded import _find_server

DISK = "6m"
ROWS = {"outcomes": [{"outcome": "accepted", "quantity": 3}]}
OUTCOMES = "/api/0/projects/acme/web/outcomes/"


class Disk:
    """A Redis server with AOF every second on a disk of its own, and a service that uses it."""

    def __init__(self, folder: Path, binary: str) -> None:
        self.port, data = free_port(), folder / "data"
        data.mkdir()
        self.server = Server(
            ["unshare", "--map-root-user", "--mount", "sh", "-c"]
            + [f'mount -t tmpfs -o size={DISK} tmpfs "$1" && shift && exec "$@"', "sh", str(data)]
            # Again, because a process in a new name space is not told any more that its parent died.
            + ["setpriv", "--pdeathsig", "TERM", "--", binary]
            + ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(data), "--save", ""]
            + ["--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction"]
            # Redis does not rewrite its file, so the test knows what fills the disk.
            + ["--auto-aof-rewrite-percentage", "0", "--enable-debug-command", "local"],
            folder / "redis.log",
        )
        self.client = redis.Redis(port=self.port, socket_timeout=5)
        self.server.wait_until(self._answers, "Redis")
        # The path as the server sees it.
        self.ballast = Path(f"/proc/{self.server.process.pid}/root{data}/ballast")
        self.service = Service(
            folder / "service",
            TSDB_URL=f"redis://127.0.0.1:{self.port}/0",
            CACHE_URL=f"redis://127.0.0.1:{self.port}/1",
        )

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.exceptions.ConnectionError:
            return False

    def take_all_room(self) -> None:
        with suppress(OSError), self.ballast.open("ab", buffering=0) as file:
            while True:
                file.write(b"\0" * 4096)

    def fill(self) -> None:
        """Fill the disk to the last page, and wait until Redis notices."""
        self.take_all_room()
        wait_for(self.refuses, "that Redis notices")

    def refuses(self) -> bool:
        try:
            # Redis accepts writes as long as they fit into the last page.
            self.client.set("notices", "x" * 5000, px=1)
        except redis.exceptions.ResponseError as error:
            return str(error).startswith("MISCONF")
        return False

    def make_room(self) -> None:
        self.ballast.unlink(missing_ok=True)
        wait_for(lambda: not self.refuses(), "that Redis writes again")

    def read_the_file_again(self) -> None:
        """Make Redis forget what is not in its file, as a crash would."""
        self.client.execute_command("DEBUG", "LOADAOF")  # type: ignore[no-untyped-call]

    def forget_known(self) -> None:
        """Make the workers load anew what they know, as after ten minutes. A full disk would not allow a deletion."""
        self.service.run("from projects.connections import get_store\nget_store().stamps.forget_all()")

    def wait_for_warnings(self, *warnings: str) -> None:
        """Wait until /readyz says just this."""

        def says_so(ready: Answer) -> bool:
            return ready.status == 200 and ready.json()["warnings"] == [*warnings]

        self.service.wait_for_ready(says_so, f"the warnings {warnings}")


def _binary(request: pytest.FixtureRequest) -> str:
    return redis_binary() if request.config.getoption("--external") else str(_find_server())


@pytest.fixture(scope="module")
def whole_disk(request: pytest.FixtureRequest) -> Iterator[Disk]:
    with TemporaryDirectory() as name:
        try:
            test = ["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", name]
            subprocess.run(test, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"a file system cannot be mounted here: {error}")
        disk = Disk(Path(name), _binary(request))
        yield disk
        disk.service.stop()
        disk.server.stop()


@pytest.fixture
def disk(whole_disk: Disk) -> Iterator[Disk]:
    whole_disk.make_room()
    assert whole_disk.service.stats().status == 200
    yield whole_disk
    whole_disk.make_room()


def test_writes_are_refused_and_reads_are_answered_though_nothing_can_be_kept(disk: Disk) -> None:
    assert disk.service.count(5).status == 201
    before = disk.service.counted()
    disk.forget_known()
    disk.fill()
    for _ in range(2):
        refused = disk.service.count(3)
        assert refuses_for_now(refused), refused
    assert disk.service.counted() == before
    assert disk.service.ask("GET", "/api/0/organizations/acme/stats/").status == 200
    assert disk.service.ask("GET", "/api/0/projects/acme/web/").status == 200
    assert disk.service.ask("GET", "/api/0/projects/acme/nowhere/stats/").status == 404
    assert disk.service.ask("GET", "/api/0/projects/acme/web/stats/", authorization="Bearer sta_x").status == 401


def test_readyz_names_it_before_anything_else_was_written(disk: Disk) -> None:
    disk.wait_for_warnings()
    disk.fill()
    disk.wait_for_warnings(
        "Redis takes no counts (MISCONF: it cannot write its file: the disk is full or broken); events are answered 503"
    )
    disk.make_room()
    disk.wait_for_warnings()


def test_nothing_that_was_acknowledged_is_lost_when_there_is_room_again(disk: Disk) -> None:
    before = disk.service.counted()
    acknowledged = 0
    for turn in range(60):
        if turn == 20:
            disk.take_all_room()
        answer = disk.service.count(1)
        if answer.status == 201:
            acknowledged += 1
        else:
            assert refuses_for_now(answer), answer
    disk.fill()
    assert acknowledged >= 20
    assert disk.service.counted() == before + acknowledged
    disk.make_room()
    assert disk.service.count(1).status == 201
    disk.read_the_file_again()
    for resolution in ("10s", "1h", "1d"):
        assert disk.service.counted(resolution) == before + acknowledged + 1, resolution


def test_a_token_that_cannot_be_forgotten_is_not_said_to_be_revoked(disk: Disk) -> None:
    """Workers that know the token could not be told, and would accept it for ten minutes more."""
    secret = disk.service.run("token = services.create_token(organization=acme, scopes=SCOPES); answer = token.secret")
    headers = {"authorization": f"Bearer {secret}"}
    assert disk.service.ask("GET", "/api/0/projects/acme/web/", **headers).status == 200
    disk.fill()
    with pytest.raises(AssertionError, match="MISCONF"):
        disk.service.run("services.revoke_tokens([token.token])")
    disk.make_room()
    disk.service.run("services.revoke_tokens([token.token])")
    assert disk.service.ask("GET", "/api/0/projects/acme/web/", **headers).status == 401


def test_a_project_that_cannot_be_deleted_now_is_there_and_is_deleted_later(disk: Disk) -> None:
    disk.service.run('services.create_project(organization=acme, slug="huge", name="Huge")')
    path = "/api/0/projects/acme/huge/"
    assert disk.service.ask("POST", f"{path}outcomes/", ROWS).status == 201
    disk.fill()
    assert refuses_for_now(disk.service.ask("DELETE", path))
    assert disk.service.ask("GET", path).status == 200
    disk.make_room()
    assert disk.service.ask("DELETE", path).status == 204
    assert disk.service.ask("GET", path).status == 404
