"""Two starts at once in one new folder, and a command beside a start: nobody meets half a migration.

See docs/reliability.md#two-starts.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from projects import start_lock
from tests.place import Place, curl_line, type_in
from tests.servers import ROOT, Server, free_port, wait_for

pytestmark = pytest.mark.once
WAITS = "Another start is under way in "


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.clear()


def shown(*servers: Server) -> str:
    return "".join(server.log.read_text() for server in servers)


def is_up(server: Server) -> bool:
    return "curl " in server.log.read_text()


def hold_the_lock(place: Place) -> closing[SimpleNamespace]:
    """Hold the lock that a start holds while it prepares."""
    place.var_dir.mkdir(mode=0o700)
    descriptor = start_lock.acquire(place.var_dir, lambda: pytest.fail("somebody else holds it"))
    return closing(SimpleNamespace(close=lambda: os.close(descriptor)))


def test_of_two_starts_on_two_ports_one_waits_and_both_serve_the_same(place: Place) -> None:
    servers = [place.start(), place.start(PORT=str(free_port()))]
    for server in servers:
        server.wait_until(lambda server=server: is_up(server), "make run", 60)  # type: ignore[misc]
    assert "Traceback" not in shown(*servers)
    assert shown(*servers).count("(shown this once)") == 1
    assert shown(*servers).count(WAITS) == 1
    # The token of the later start replaces the earlier one.
    later = next(server for server in servers if WAITS in server.log.read_text())
    assert sum(count for _, count in type_in(curl_line(later))) > 1000


def test_of_two_starts_on_one_port_one_serves_and_the_other_says_that_it_is_taken(place: Place) -> None:
    servers = [place.start(), place.start()]
    wait_for(lambda: any(server.process.poll() is not None for server in servers), "the end of one", 60)
    ended, serves = sorted(servers, key=lambda server: server.process.poll() is None)
    assert ended.process.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{place.port}: Address already in use." in ended.log.read_text()
    serves.wait_until(lambda: is_up(serves), "make run", 60)
    assert "Traceback" not in shown(*servers)
    assert len(type_in(curl_line(serves))) == 24
    assert (place.var_dir / "address").read_text() == f"http://127.0.0.1:{place.port}"


def test_a_start_says_what_it_waits_for_and_goes_on_when_the_other_is_killed(place: Place) -> None:
    with hold_the_lock(place):
        first = place.start()
        first.wait_until(lambda: WAITS in first.log.read_text(), "the line", 60)
        assert not (place.var_dir / "statsapi.sqlite3").exists()
    first.wait_until(lambda: is_up(first), "make run", 60)


def test_a_start_that_is_killed_while_it_prepares_keeps_nobody_waiting(place: Place) -> None:
    killed = place.start()
    wait_for(lambda: start_lock.is_held(place.var_dir), "the start", 60)
    killed.process.send_signal(signal.SIGKILL)
    killed.process.wait()
    wait_for(lambda: not start_lock.is_held(place.var_dir), "the end of its lock", 60)
    again = place.run()
    assert WAITS not in again.log.read_text()
    assert len(type_in(curl_line(again))) == 24


def test_a_command_beside_a_start_says_what_it_meets(place: Place) -> None:
    with hold_the_lock(place):
        done = subprocess.run(
            [sys.executable, "manage.py", "seed"],
            cwd=ROOT,
            env={**os.environ, **place.environment(SECRET_KEY="x" * 50)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"CommandError: A start is under way in {place.var_dir}, and the database is not ready. "
        "Try again when it is up."
    ]


def test_a_server_that_is_up_keeps_no_start_waiting(place: Place) -> None:
    place.run()
    wait_for(lambda: not start_lock.is_held(place.var_dir), "the end of the start")
