"""Two thousand clients that send a byte a second: what others notice, and what each costs.

Half of the slow clients send an event, and half a request for Django. The service, with 2 workers, gives a body
BODY_SECONDS. Measured: the p99 of events and of stats over 16 connections each, first in quiet and then while the slow
ones are open; the growth of the workers' memory while they were opened, for each of them; and how many were closed, and
when.

Targets: at most 1.5 times the quiet p99, at most 64 KB a socket, and all closed within the time for a body and
CLOSING_SECONDS.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import NamedTuple

from benchmarks import intake, servers
from benchmarks.http import STATS_PATH
from benchmarks.http import prepare as prepare_project
from benchmarks.measure import print_table, ratio, spread, verdict
from benchmarks.processes import resident
from benchmarks.serving import Load, Server, serving

SOCKETS = 2000
BODY_SECONDS = 20
CLOSING_SECONDS = 3
ROUNDS = 3
TARGET_P99 = 1.5
TARGET_KB = 64


class Slow(NamedTuple):
    """What became of the slow clients: KB of memory each, how many were closed, and seconds until the last one was."""

    kb: float
    closed: int
    last: float


def both(server: Server, project: int, key: str) -> tuple[Load, Load]:
    """Load the service with events, and then with reads."""
    return intake.send(server, project, key, "plain", 16), server.get(server.service, STATS_PATH, token=server.token)


def beside_slow(server: Server, project: int, key: str) -> tuple[tuple[Load, Load], Slow]:
    """Load the service while the slow clients are open (benchmarks/load_slowly.py), and wait until they are closed."""
    arguments = (str(server.service.port), str(project), key, str(SOCKETS), str(BODY_SECONDS + CLOSING_SECONDS))
    command = [sys.executable, "-m", "benchmarks.load_slowly", *arguments]
    before = resident(server.service.workers)
    with subprocess.Popen(command, cwd=servers.ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()  # all are open
        time.sleep(1)
        grown = resident(server.service.workers) - before
        loads = both(server, project, key)
        said = json.loads(process.stdout.readline())
    return loads, Slow(1000 * grown / SOCKETS, said["closed"], said["last"])


def main() -> None:
    print(__doc__)
    quiet, beside, slow = [], [], []
    with serving(prepare_project, BODY_TIMEOUT=str(BODY_SECONDS)) as server:
        project, key = intake.prepare()
        both(server, project, key)
        for _ in range(ROUNDS):
            quiet.append(both(server, project, key))
            loads, clients = beside_slow(server, project, key)
            beside.append(loads)
            slow.append(clients)
    rows = []
    for at, name in enumerate(("events", "stats, 24 × 1 h")):
        before, during = [one[at] for one in quiet], [one[at] for one in beside]
        longer = ratio([one.p99 for one in during], [one.p99 for one in before])
        rates = (spread(one.rate for one in loads).show(4) for loads in (before, during))
        p99 = (spread(one.p99 for one in loads).show() for loads in (before, during))
        target = verdict(longer.median <= TARGET_P99, f"at most {TARGET_P99}")
        rows.append((name, *rates, *p99, longer.show(), target))
    headings = (
        "a second, quiet",
        "beside the slow",
        "p99, ms, quiet",
        "p99 beside the slow",
        "times as long",
        "target",
    )
    print_table((f"{SOCKETS} slow clients", *headings), rows)
    most, closed, last = max(one.kb for one in slow), min(one.closed for one in slow), max(one.last for one in slow)
    reached = verdict(most <= TARGET_KB, f"at most {TARGET_KB}")
    print(f"Memory of the workers: at most {most:.1f} KB a socket ({reached}).")
    print(f"Closed: {closed} of {SOCKETS}, the last after {last:.1f} s ({verdict(closed == SOCKETS, 'all')}).\n")


if __name__ == "__main__":
    main()
