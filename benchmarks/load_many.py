"""A closed loop of events or reads of many projects in turns, over keep-alive connections (see benchmarks/load.py).

    python -m benchmarks.load_many PORT FILE PROJECTS events|reads CONNECTIONS SECONDS

The JSON file holds {"token": …, "projects": [[id, slug, key], …]}. Requests go to projects at random, the same in each
run. With SECONDS 0 each project is asked about four times, so that every worker has met it.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

from benchmarks.load import load, summary
from benchmarks.load_envelopes import envelope

PAYLOAD = "a message " * 120
MOST_A_SECOND = 6000


def event(project: int, key: str) -> bytes:
    """Return a request with an event that has an id of its own."""
    body = envelope(key, PAYLOAD)
    head = f"POST /api/{project}/envelope/?sentry_key={key} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body


def read(slug: str, token: str) -> bytes:
    """Return a request for the stats of a day by the hour."""
    head = f"GET /api/0/projects/acme/{slug}/stats/ HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}"
    return f"{head}\r\n\r\n".encode()


def main(port: str, file: str, number: str, what: str, connections: str, seconds: str) -> None:
    known = json.loads(Path(file).read_text())
    projects = known["projects"][: int(number)]
    lasting = float(seconds) or 1 + 4 * len(projects) / 1000
    chosen = random.Random(1).choices(projects, k=int(MOST_A_SECOND * (lasting + 1)))
    prepared = [event(pk, key) if what == "events" else read(slug, known["token"]) for pk, slug, key in chosen]
    turns = iter(range(sys.maxsize))
    following = lambda: prepared[next(turns) % len(prepared)]  # noqa: E731
    print(json.dumps(summary(load(int(port), following, int(connections), lasting))))


if __name__ == "__main__":
    main(*sys.argv[1:])
