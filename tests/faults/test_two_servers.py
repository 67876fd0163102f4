"""Two servers on one port: granian would let them share it, so the second one is refused, however it is started.

See docs/reliability.md#two-starts.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.servers import ROOT, Server, answers, free_port, wait_for

pytestmark = pytest.mark.once
URL = "https://stats.example.com"


class Starts:
    """Production starts (`python -m statsapi.start.container`) on one port, each with a VAR_DIR of its own."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self._stack, self.port, self._number = folder, stack, free_port(), 0

    def start(self, module: str = "statsapi.start.container") -> Server:
        self._number += 1
        folder = self.folder / str(self._number)
        folder.mkdir()
        settings = {
            **dict.fromkeys(("DATABASE_URL", "TSDB_URL", "CACHE_URL"), ""),
            "PORT": str(self.port),
            "VAR_DIR": str(folder / "var"),
            "PUBLIC_URL": URL,
            "SECRET_KEY": "a-key-of-the-tests-0123456789-abcdefghijklmnopqrstuvwxyz",
        }
        server = Server([sys.executable, "-m", module], folder / "log", cwd=ROOT, **settings)
        self._stack.callback(server.stop)
        return server

    def serves(self) -> bool:
        return answers(f"http://127.0.0.1:{self.port}", "/healthz")

    def refusal(self, server: Server) -> str:
        assert server.process.wait(60) == 1
        return server.log.read_text().strip()


@pytest.fixture
def starts(tmp_path: Path) -> Iterator[Starts]:
    with ExitStack() as stack:
        yield Starts(tmp_path, stack)


def test_of_servers_that_start_in_the_same_moment_one_serves_and_the_other_is_refused(starts: Starts) -> None:
    servers = [starts.start() for _ in range(2)]
    wait_for(lambda: any(server.process.poll() is not None for server in servers), "the end of one", 60)
    wait_for(starts.serves, "the other", 60)
    taken = f"Cannot listen on 127.0.0.1:{starts.port}: Address already in use. "
    refusals = [starts.refusal(server) for server in servers if server.process.poll() is not None]
    assert refusals == [f"{taken}PORT names another."]

    late = starts.start("statsapi.start.local")
    assert starts.refusal(late) == f"{taken}Choose another with: PORT=8001 make run"
    assert starts.serves()


def test_a_killed_server_leaves_its_port_to_the_next(starts: Starts) -> None:
    killed = starts.start()
    wait_for(starts.serves, "the first", 60)
    killed.stop(signal.SIGKILL)
    starts.start()
    wait_for(starts.serves, "the next", 60)
