"""The service and the yardstick (benchmarks/yardstick.py) as servers, and what a load on one of them took.

Both have the same number of workers, the same settings, one empty database and one empty Valkey. Only one is loaded at
a time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import redis

from benchmarks import servers
from benchmarks.measure import Spread, ratio, spread
from benchmarks.processes import processor_seconds, workers_of

WORKERS = 2
CONNECTIONS = 16
SECONDS = 3


class Load(NamedTuple):
    """What one load took: its rate a second, latencies in ms, and processor time in µs a request.

    `script` is Valkey's time in scripts, in µs a request, by the clock of Valkey.
    """

    rate: float
    p50: float
    p99: float
    workers: float
    valkey: float
    script: float


class Backend(NamedTuple):
    """A granian that listens on a port."""

    port: int
    workers: tuple[int, ...]


class Server:
    """The running service, the yardstick beside it, their Valkey, and a token that the service accepts."""

    def __init__(self, service: Backend, yardstick: Backend, valkey: redis.Redis, token: str) -> None:
        self.service = service
        self.yardstick = yardstick
        self.valkey = valkey
        self.valkey_id = int(valkey.info("server")["process_id"])
        self.token = token

    def get(self, backend: Backend, path: str, connections: int = CONNECTIONS, token: str = "") -> Load:
        """Load a path with GET requests (benchmarks/load.py)."""
        authorization = [f"Bearer {token}"] if token else []
        return self.load(backend, "load", path, str(connections), str(SECONDS), *authorization)

    def load(self, backend: Backend, module: str, *arguments: str) -> Load:
        """Run a load generator, which is told the port first, and return what it took."""
        self.valkey.config_resetstat()
        workers, valkey = processor_seconds(backend.workers), processor_seconds([self.valkey_id])
        command = [sys.executable, "-m", f"benchmarks.{module}", str(backend.port), *arguments]
        answer = json.loads(subprocess.check_output(command, cwd=servers.ROOT))
        workers = processor_seconds(backend.workers) - workers
        valkey = processor_seconds([self.valkey_id]) - valkey
        a_request = 1e6 / answer["answers"]
        return Load(
            answer["requests"] / answer["seconds"],
            answer["p50"],
            answer["p99"],
            workers * a_request,
            valkey * a_request,
            self.script_seconds() * a_request,
        )

    def script_seconds(self) -> float:
        """Return the seconds that Valkey spent in scripts since its statistics were reset."""
        commands = self.valkey.info("commandstats")
        return sum(int(commands.get(f"cmdstat_{name}", {}).get("usec", 0)) for name in ("eval", "evalsha")) / 1e6


def environment(url: str, folder: Path) -> dict[str, str]:
    """Return the variables of a service with this Valkey. They must be set before anything imports the settings."""
    return {
        "VAR_DIR": str(folder),
        "SECRET_KEY": "x" * 50,
        "TSDB_URL": f"{url}?db=0",
        "CACHE_URL": f"{url}?db=1",
        "DJANGO_SETTINGS_MODULE": "benchmarks.http_settings",
    }


@contextmanager
def serving(prepare: Callable[[], str], workers: int = WORKERS, **more: str) -> Iterator[Server]:
    """Run the service and the yardstick with an empty database and an empty Valkey.

    `prepare` is called once the settings can be imported. It creates what is to be read, and returns a token for it.
    `more` are further variables of the service.
    """
    with servers.valkey() as url, servers.temporary_folder() as folder:
        os.environ.update(environment(url, folder), **more)
        token = prepare()
        with (
            _granian(folder / "service", _service(workers)) as service,
            _granian(folder / "yardstick", _yardstick(workers), BENCH_YARDSTICK="1") as yardstick,
            redis.Redis(unix_socket_path=url.removeprefix("unix://")) as valkey,
        ):
            yield Server(service, yardstick, valkey, token)


@contextmanager
def _granian(log: Path, command: Callable[[int], list[str]], **variables: str) -> Iterator[Backend]:
    port = servers.free_port()
    with servers.running([servers.beside_python("granian"), *command(port)], log, **variables) as process:
        servers.wait_for(lambda: servers.listens(port), process, log)
        yield Backend(port, workers_of(process.pid))


def _service(workers: int) -> Callable[[int], list[str]]:
    from statsapi.start.server import options

    return lambda port: ["statsapi.asgi:application", *options("127.0.0.1", port, workers)]


def _yardstick(workers: int) -> Callable[[int], list[str]]:
    from benchmarks.yardstick import BLOCKING_THREADS

    return lambda port: [
        "benchmarks.yardstick:application",
        *("--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)),
        *("--workers", str(workers), "--blocking-threads", str(BLOCKING_THREADS)),
        *("--http", "1", "--no-ws", "--log-level", "warning"),
    ]


HEADINGS = ("a second", "of the constant view", "p50, ms", "p99, ms", "p99, of the view's", "workers, µs", "Valkey, µs")


def row(loads: list[Load], yardstick: list[Load]) -> tuple[list[str], Spread, Spread]:
    """Return a row of a table with HEADINGS, and the ratios of rates and of p99 to those of the yardstick."""
    rate, p99 = (ratio([one[at] for one in loads], [one[at] for one in yardstick]) for at in (0, 2))
    shown = [
        spread(one.rate for one in loads).show(4),
        rate.show(),
        spread(one.p50 for one in loads).show(),
        spread(one.p99 for one in loads).show(),
        p99.show(),
        spread(one.workers for one in loads).show(),
        spread(one.valkey for one in loads).show(),
    ]
    return shown, rate, p99
