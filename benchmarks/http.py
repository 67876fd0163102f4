"""The stats endpoint over HTTP: requests a second and latency, against a view that does nothing.

Measured: GET …/stats/ with a known token, for 24 × 1 h and for 360 × 10 s of a project with counts. Against: a constant
Django REST Framework view (benchmarks/http_urls.py), which asks for no credentials and also answers 24 pairs. The
difference is the price of the token, the project and the counts. One granian (2 workers) with the service's settings
and middleware answers all of them, with the embedded Valkey's binary beside it. The load is 16 keep-alive connections
of benchmarks/load.py. The server, Valkey and the load share the same cores.

A request with a token skips the middleware that is made for browsers (statsapi/api/fast_path.py). The constant view is
asked without a token, and once with one to show what skipping is worth. It is also asked for a short answer.

Targets: at least 0.55 of the constant view's requests, and a p99 under 10 ms.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import servers
from benchmarks.measure import print_table, ratio, spread, verdict

WORKERS = 2
CONNECTIONS = 16
SECONDS = 3
ROUNDS = 7
TARGET = 0.55
TARGET_P99_MS = 10
CONSTANT = "constant view"
STATS = "stats, 24 × 1 h"


class Server:
    """A running granian, and a token that it accepts."""

    def __init__(self, port: int, token: str) -> None:
        self.port = port
        self.token = token

    def load(self, path: str, *, anonymous: bool = False) -> dict[str, float]:
        """Run benchmarks.load for SECONDS, with the token unless `anonymous`, and return what it prints."""
        command = [sys.executable, "-m", "benchmarks.load", str(self.port), path, str(CONNECTIONS), str(SECONDS)]
        if not anonymous:
            command.append(f"Bearer {self.token}")
        answer: dict[str, float] = json.loads(subprocess.check_output(command, cwd=servers.ROOT))
        return answer


@contextmanager
def serving(prepare: Callable[[], str] | None = None) -> Iterator[Server]:
    """Run the service with an empty database and an empty Valkey.

    `prepare` is called once the settings can be imported. It creates what is to be read, and returns a token for it.
    """
    with servers.valkey() as url, servers.temporary_folder() as folder:
        # This must happen before anything imports the settings, in this process and in the server.
        os.environ.update(
            VAR_DIR=str(folder),
            SECRET_KEY="x" * 50,
            TSDB_URL=f"{url}?db=0",
            CACHE_URL=f"{url}?db=1",
            DJANGO_SETTINGS_MODULE="benchmarks.http_settings",
        )
        token = (prepare or _prepare)()
        port, log = servers.free_port(), folder / "granian.log"
        with servers.running(_granian(port), log) as process:
            servers.wait_for(lambda: servers.listens(port), process, log)
            yield Server(port, token)


def _granian(port: int) -> list[str | Path]:
    """Return the command that statsapi/start/local.py starts granian with."""
    return [
        servers.beside_python("granian"),
        "statsapi.asgi:application",
        *("--interface", "asginl", "--loop", "asyncio", "--host", "127.0.0.1", "--port", str(port)),
        *("--workers", str(WORKERS)),
        *("--http", "1", "--no-ws", "--log-level", "warning"),
    ]


def _prepare() -> str:
    """Create the tables, a project with counts in every bucket, and a token for it, which is returned."""
    import django

    django.setup()
    from django.core.management import call_command

    from projects import services
    from projects.connections import get_store
    from tsdb import series
    from tsdb.outcomes import STATS, Category
    from tsdb.store import Increment

    call_command("migrate", verbosity=0, interactive=False)
    organization = services.create_organization(slug="acme", name="Acme")
    project = services.create_project(organization=organization, slug="web", name="Web")
    services.open_project(project.pk)
    now = int(time.time())
    counted = [series.total(project.pk, Category.ERROR, outcome) for outcome in STATS["received"]]
    instants = [*range(now - 3600, now, 10), *range(now - 90 * 86400, now, 3600)]
    get_store().incr_bulk([Increment(one, at, 1 + at % 999) for one in counted for at in instants], now=now)
    return services.create_token(organization=organization, scopes=["project:read"]).secret


def main() -> None:
    print(__doc__)
    stats = "/api/0/projects/acme/web/stats/"
    contenders: dict[str, dict[str, Any]] = {
        CONSTANT: {"path": "/api/0/constant/", "anonymous": True},
        "the same, asked with a token": {"path": "/api/0/constant/"},
        "the same, a short answer": {"path": "/api/0/constant/short/", "anonymous": True},
        STATS: {"path": stats},
        "stats, 360 × 10 s": {"path": f"{stats}?resolution=10s&since={int(time.time()) - 3590}"},
    }
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in contenders}
    with serving() as server:
        for _ in range(ROUNDS):
            for name, what in contenders.items():
                measured[name].append(server.load(**what))
    rates = {name: [one["requests"] / one["seconds"] for one in rounds] for name, rounds in measured.items()}
    rows = []
    for name, rounds in measured.items():
        share = ratio(rates[name], rates[CONSTANT])
        p50, p99 = (spread(one[which] for one in rounds) for which in ("p50", "p99"))
        targets = ""
        if name == STATS:
            targets = "; ".join(
                (
                    verdict(share.median >= TARGET, f"at least {TARGET}"),
                    verdict(p99.median < TARGET_P99_MS, f"p99 under {TARGET_P99_MS} ms"),
                )
            )
        rows.append((name, spread(rates[name]).show(4), share.show(), p50.show(), p99.show(), targets))
    print_table(("answer", "requests/s", "of the constant view", "p50, ms", "p99, ms", "target"), rows)


if __name__ == "__main__":
    main()
