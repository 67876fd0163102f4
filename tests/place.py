"""A place to try `make run`: a VAR_DIR and a port, and the curl line that it prints."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.servers import ROOT, Server, free_port
from tests.service import PATIENT

Pairs = list[tuple[float, int]]


class Place:
    """A VAR_DIR and a port, and the processes that use them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.var_dir = folder / "var"
        self.servers: list[Server] = []

    def environment(self, **more: str) -> dict[str, str]:
        # Empty means unset: the settings of the tests themselves must not reach the start.
        unset = dict.fromkeys(("DATABASE_URL", "TSDB_URL", "CACHE_URL", "SECRET_KEY"), "")
        return {**unset, **PATIENT, "VAR_DIR": str(self.var_dir), "PORT": str(self.port), **more}

    def start(self, **more: str) -> Server:
        log = self.folder / f"{len(self.servers)}.log"
        server = Server([sys.executable, "-m", "statsapi.start.local"], log, cwd=ROOT, **self.environment(**more))
        self.servers.append(server)
        return server

    def run(self, **more: str) -> Server:
        """Start it, and wait until its text is shown."""
        server = self.start(**more)
        server.wait_until(lambda: "curl " in server.log.read_text(), "make run", 60)
        return server

    def refused(self, **more: str) -> str:
        """Start it, expect that it ends by itself with status 1, and return what it printed."""
        server = self.start(**more)
        assert server.process.wait(60) == 1
        return server.log.read_text().strip()

    def processes(self) -> list[int]:
        """Return the ids of all processes that were started with this VAR_DIR or work in it."""
        here = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # ended meanwhile
                environment = (process / "environ").read_bytes().split(b"\0")
                works_in = (process / "cwd").readlink()
                if f"VAR_DIR={self.var_dir}".encode() in environment or works_in.is_relative_to(self.var_dir):
                    here.append(int(process.name))
        return here

    def is_silent(self) -> bool:
        return not self.processes()

    def clear(self) -> None:
        for process in self.processes():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        for server in self.servers:
            server.process.wait()


def curl_line(server: Server) -> str:
    [line] = [line for line in server.log.read_text().splitlines() if line.strip().startswith("curl ")]
    return line.strip()


def type_in(line: str) -> Pairs:
    """Run the line in a shell, and return the pairs that it prints."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed; on Debian: apt-get install curl")
    answer = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True).stdout
    found = json.loads(answer)
    assert isinstance(found, list), answer
    return [(timestamp, count) for timestamp, count in found]
