"""Several `manage.py migrate` at once, on either database: one works and the others wait.

See docs/reliability.md#two-starts.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.db import connection

from projects.management.commands.migrate import alone
from tests.servers import ROOT, Server, postgresql_folder, wait_for

WAITS = "Another migrate is under way; waiting for it."


class Empty(NamedTuple):
    """A database without tables."""

    url: str
    name: str
    folder: Path
    stack: ExitStack

    def migrate(self, number: int = 0) -> Server:
        log = self.folder / f"{number}.log"
        server = Server(
            [sys.executable, "manage.py", "migrate"],
            log,
            cwd=ROOT,
            DATABASE_URL=self.url,
            VAR_DIR=str(self.folder / "var"),
        )
        self.stack.callback(server.stop, signal.SIGKILL)
        return server

    def wrapper(self) -> Any:
        """Return a connection to it from Django."""
        other = connection.copy()
        other.settings_dict["NAME"] = self.name
        return other


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Empty]:
    with ExitStack() as stack:
        if connection.vendor == "sqlite":
            file = tmp_path / "empty.sqlite3"
            yield Empty(f"sqlite:///{file}", str(file), tmp_path, stack)
            return
        name = f"migrate_{uuid.uuid4().hex}"
        url = os.environ["DATABASE_URL"]
        subprocess.run([postgresql_folder() / "createdb", "--maintenance-db", url, name], check=True)
        yield Empty(f"{url.rpartition('/')[0]}/{name}", name, tmp_path, stack)


def test_of_two_on_an_empty_database_one_waits_and_both_succeed(empty: Empty) -> None:
    with alone(empty.wrapper(), lambda: pytest.fail("nobody else migrates")):
        both = [empty.migrate(number) for number in range(2)]
        for server in both:
            server.wait_until(lambda server=server: WAITS in server.log.read_text(), "the wait", 60)  # type: ignore[misc]
    assert [server.process.wait(60) for server in both] == [0, 0]
    said = [server.log.read_text() for server in both]
    assert sorted("No migrations to apply." in text for text in said) == [False, True]
    assert "Traceback" not in "".join(said)


def test_one_that_is_killed_keeps_nobody_waiting(empty: Empty) -> None:
    killed = empty.migrate(1)
    wait_for(lambda: "Applying" in killed.log.read_text(), "the first step", 60)
    killed.stop(signal.SIGKILL)
    assert empty.migrate(2).process.wait(60) == 0
