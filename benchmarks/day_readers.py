"""The readers of the day in production: dashboards that ask for stats, and somebody who looks at the organization.

    python -m benchmarks.day_readers PORT PROJECTS SECONDS EVERY TOKEN COOKIE

Each of READERS asks ASKS times a second for the stats of a project at random, and one more asks for the page of the
organization once a second. Every EVERY seconds it prints one JSON object: {"reads": n, "p99": ms, "page": ms}, the last
being the median. It fails at any answer that is not 200.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import sys
import threading
import time
from collections.abc import Callable

READERS = 20
ASKS = 5


def ask_for_ever(port: int, path: Callable[[], str], headers: dict[str, str], pause: float, times: list[float]) -> None:
    """Ask, and wait `pause` seconds, for ever. Append the latency of each answer in seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    while True:
        begin = time.perf_counter()
        connection.request("GET", path(), headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            print(f"{path()}: {answer.status} {body[:200]!r}", file=sys.stderr, flush=True)
            os._exit(1)
        times.append(time.perf_counter() - begin)
        time.sleep(pause)


def main(port: str, projects: str, seconds: str, every: str, token: str, cookie: str) -> None:
    source, reads, pages = random.Random(2), list[float](), list[float]()

    def stats() -> str:
        return f"/api/0/projects/acme/p{source.randint(1, int(projects))}/stats/"

    asked = [(stats, {"Authorization": f"Bearer {token}"}, 1 / ASKS, reads)] * READERS
    asked.append((lambda: "/o/acme/?range=24h", {"Cookie": cookie}, 1.0, pages))
    for arguments in asked:
        threading.Thread(target=ask_for_ever, args=(int(port), *arguments), daemon=True).start()
    for _ in range(int(float(seconds) / float(every))):
        time.sleep(float(every))
        late, shown = sorted(reads), sorted(pages)
        reads.clear()
        pages.clear()
        middle = shown[len(shown) // 2] if shown else float("nan")
        p99 = 1000 * late[len(late) * 99 // 100]
        print(json.dumps({"reads": len(late), "p99": p99, "page": 1000 * middle}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
