"""Real servers for tests: each listens on 127.0.0.1 at a port of its own, and is ended by its process id."""

from __future__ import annotations

import http.client
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from email.message import Message
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import redis

ROOT = Path(__file__).resolve().parent.parent
UNPRIVILEGED_USER = "nobody"


class Missing(Exception):
    """A component is not installed on this machine. The message says how to get it."""


class ServerDied(Exception):
    """A server ended instead of starting. The message has the end of its log."""


PORTS = range(15_000, 32_768)
"""Below those that the kernel gives to outgoing connections, which would take one before its server listens there."""
_handed_out: set[int] = set()


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nothing listens now, and which no other call returns.

    The processes of `-n 3` share the ports out. A server takes seconds until it listens, and others ask meanwhile.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    ports = PORTS[worker :: int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))]
    while True:
        port = ports[secrets.randbelow(len(ports))]  # hypothesis seeds `random`, so that several runs got the same
        if port in _handed_out:
            continue
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            _handed_out.add(port)
            return port


def wait_for(ready: Callable[[], bool], what: str, seconds: float = 20) -> None:
    """Wait until `ready()` is true. Raises TimeoutError if `what` takes longer than `seconds`."""
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
    """A child process in a session of its own. It ends with this process, in whatever way this process ends."""

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        *,
        user: str | int | None = None,
        group: str | int | None = None,
        cwd: str | Path = "/",
        end_with: str = "TERM",
        **environment: str,
    ) -> None:
        self.log, self.end_with = log, signal.Signals[f"SIG{end_with}"]
        if setpriv := shutil.which("setpriv"):
            # The kernel sends the signal when this process dies, even by SIGKILL. setpriv then becomes the command and
            # keeps the process id.
            command = [setpriv, "--pdeathsig", end_with, "--", *command]
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                user=user,
                group=group,
                extra_groups=None if user is None else [],
                cwd=cwd,
                env={**os.environ, **environment},
            )

    def wait_until(self, ready: Callable[[], bool], what: str, seconds: float = 60) -> None:
        """Wait until the server is ready. Raises ServerDied or TimeoutError, after the process has ended."""
        try:
            wait_for(lambda: self.process.poll() is not None or ready(), what, seconds)
        except BaseException:
            self.stop(signal.SIGKILL)
            raise
        if self.process.poll() is not None:
            end = "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])
            raise ServerDied(f"{what} ended with status {self.process.returncode}:\n{end}")

    def pause(self) -> None:
        """Make the server and its processes hang: the kernel accepts connections, and nothing is answered."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: signal.Signals) -> None:
        main = self.process.pid
        with suppress(FileNotFoundError):  # the process has ended
            for child in Path(f"/proc/{main}/task/{main}/children").read_text().split():
                with suppress(ProcessLookupError):
                    os.kill(int(child), number)
        self.process.send_signal(number)

    def stop(self, number: int | None = None) -> None:
        if self.process.poll() is None:
            self.process.send_signal(self.end_with if number is None else number)
            self.resume()  # a paused process would not receive the signal
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(20)


def postgresql_folder() -> Path:
    """Return the folder of initdb and postgres. Raises Missing."""
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


def start_postgresql(folder: Path, *, port: int | None = None) -> tuple[Server, str]:
    """Start PostgreSQL with its data in `folder`, and return it with its URL.

    The data is created if there is none. PostgreSQL refuses to run as root, so root starts it as another user.
    """
    programs = postgresql_folder()
    user = UNPRIVILEGED_USER if os.getuid() == 0 else None
    data, port = folder / "data", port or free_port()
    if not data.exists():
        folder.mkdir(parents=True, exist_ok=True)
        if user:
            owner = pwd.getpwnam(user)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run(
            [programs / "initdb", "-D", data, *options], check=True, stdout=subprocess.DEVNULL, user=user, cwd="/"
        )
    settings = {"listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": "", "fsync": "off"}
    server = Server(
        [str(programs / "postgres"), "-D", str(data), *(f"--{name}={value}" for name, value in settings.items())],
        folder / "log",
        user=user,
        end_with="INT",  # ends at once; after SIGTERM it would wait for its clients
    )
    asks = [str(programs / "pg_isready"), "--quiet", "--host=127.0.0.1", f"--port={port}"]
    server.wait_until(lambda: subprocess.run(asks, check=False).returncode == 0, "PostgreSQL")
    return server, f"postgres://postgres@127.0.0.1:{port}/postgres"


def start_redis(folder: Path, *options: str, port: int | None = None, binary: str | None = None) -> tuple[Server, int]:
    """Start a Redis server with AOF in `folder`, with the data of an earlier one there, and return it with its port."""
    folder.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    command = [binary or redis_binary(), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    server = Server([*command, "--appendonly", "yes", *options], folder / "redis.log")

    def is_there() -> bool:
        try:
            with redis.Redis(port=port, socket_timeout=1) as client:
                return bool(client.ping())
        except redis.exceptions.AuthenticationError:
            return True
        except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError):  # not started, or reading its file
            return False

    server.wait_until(is_there, "Redis")
    return server, port


def start_production(folder: Path, **environment: str) -> tuple[Server, str]:
    """Start the service as a container does (`python -m statsapi.start.container`), and return it with its URL.

    Its PUBLIC_URL is https://stats.example.com behind a proxy, so send the header X-Forwarded-Proto: https.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    production = {
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "PUBLIC_URL": "https://stats.example.com",
        "TRUST_PROXY": "1",
        "VAR_DIR": str(folder / "var"),
    }
    command = [sys.executable, "-m", "statsapi.start.container"]
    server = Server(command, folder / "web.log", cwd=ROOT, **{**production, **environment})
    url = f"http://127.0.0.1:{port}"
    server.wait_until(lambda: answers(url, "/healthz"), "the service")
    return server, url


class Answer(NamedTuple):
    status: int
    headers: Message
    body: bytes


def ask(url: str, path: str, headers: Mapping[str, str] | None = None, *, seconds: float = 5) -> Answer:
    """Send a GET and return the answer, whatever its status. Redirects are not followed. Raises OSError without one."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=seconds)
    try:
        connection.request("GET", path, headers=headers or {})
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


def answers(url: str, path: str, status: int = 200) -> bool:
    try:
        return ask(url, path).status == status
    except (OSError, http.client.HTTPException):
        return False


def external_servers(folder: Path, on_exit: Callable[[Callable[[], None]], object]) -> dict[str, str]:
    """Start PostgreSQL and Redis in a folder that any user may enter, and return the settings that name them."""
    postgresql_folder()
    redis_binary()
    postgresql, database_url = start_postgresql(folder / "postgresql")
    on_exit(postgresql.stop)
    redis_server, port = start_redis(folder / "redis")
    on_exit(redis_server.stop)
    return {
        "DATABASE_URL": database_url,
        "TSDB_URL": f"redis://127.0.0.1:{port}/0",
        "CACHE_URL": f"redis://127.0.0.1:{port}/1",
    }
