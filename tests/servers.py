"""Real servers for tests: each listens on 127.0.0.1 or a socket of its own and is ended by its pid."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

UNPRIVILEGED_USER = "nobody"


class Missing(Exception):
    """A component is not on this machine; the message says how to get it."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(ready: Callable[[], bool], what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {seconds} s")
        time.sleep(0.02)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Server:
    """A child process in a session of its own."""

    def __init__(self, command: Sequence[str], log: Path, *, user: str | None = None, **environment: str) -> None:
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                user=user,
                cwd="/",
                env={**os.environ, **environment},
            )

    def stop(self, signal: int = 15) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal)
        self.process.wait(20)


def postgresql_folder() -> Path:
    """Where initdb and postgres are."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        raise Missing("PostgreSQL is not installed; on Debian: apt-get install postgresql")
    return Path(on_path).parent


def redis_binary() -> str:
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            return found
    raise Missing("No Redis server is installed; on Debian: apt-get install redis-server")


def start_postgresql(folder: Path) -> tuple[Server, str]:
    """A new PostgreSQL in `folder`, and its URL. It refuses to run as root, so root hands it to another user."""
    programs = postgresql_folder()
    user = UNPRIVILEGED_USER if os.getuid() == 0 else None
    folder.mkdir(parents=True)
    if user:
        owner = pwd.getpwnam(user)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    data, port = folder / "data", free_port()
    subprocess.run(
        [
            programs / "initdb",
            "-D",
            data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        user=user,
        cwd="/",
    )
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "fsync": "off",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    server = Server([str(programs / "postgres"), "-D", str(data), *options], folder / "log", user=user)
    wait_for(lambda: listens(port) or server.process.poll() is not None, "the start of PostgreSQL")
    return server, f"postgres://postgres@127.0.0.1:{port}/postgres"


def start_redis(folder: Path, *options: str, port: int | None = None) -> tuple[Server, int]:
    """A Redis server in `folder` with AOF on, and its port."""
    folder.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    command = [redis_binary(), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    server = Server([*command, "--appendonly", "yes", *options], folder / "redis.log")
    wait_for(lambda: listens(port), "the start of Redis")
    return server, port


def external_servers(folder: Path, on_exit: Callable[[Callable[[], None]], object]) -> dict[str, str]:
    """Starts PostgreSQL and Redis; the variables that lead the service to them."""
    postgresql_folder()
    redis_binary()
    folder.chmod(0o755)  # the unprivileged user must get through
    postgresql, database_url = start_postgresql(folder / "postgresql")
    on_exit(lambda: postgresql.stop(2))
    redis, port = start_redis(folder / "redis")
    on_exit(redis.stop)
    return {
        "DATABASE_URL": database_url,
        "TSDB_URL": f"redis://127.0.0.1:{port}/0",
        "CACHE_URL": f"redis://127.0.0.1:{port}/1",
    }
