"""A closed loop of envelopes, each with its own event id, over keep-alive connections (see benchmarks/load.py).

    python -m benchmarks.load_envelopes PORT PROJECT KEY CONNECTIONS SECONDS plain|gzip

An envelope has one error of 1.5 KB, as an SDK sends it. All envelopes are made before the first is sent. Otherwise the
time that this process spends on gzip would be measured too.
"""

from __future__ import annotations

import gzip
import json
import random
import sys
import uuid
from collections.abc import Iterator

from benchmarks.load import load, summary

PAYLOAD_BYTES = 1300
MOST_A_SECOND = 9000
"""Envelopes that are made for each second of load. If the service is faster, the first ones are sent again."""


def envelope(key: str, payload: str) -> bytes:
    """Return an envelope with one event whose message is `payload`."""
    event_id = uuid.uuid4().hex
    header = {"event_id": event_id, "sent_at": "2026-11-24T08:00:00.000Z", "trace": {"public_key": key}}
    item = {"type": "event", "content_type": "application/json"}
    event = {"event_id": event_id, "level": "error", "environment": "production", "message": payload}
    return b"\n".join(json.dumps(part).encode() for part in (header, item, event)) + b"\n"


def requests(project: str, key: str, number: int, zipped: bool) -> Iterator[bytes]:
    """Yield this many HTTP requests, each with another envelope."""
    chance = random.Random(1)
    # Words that repeat, so that gzip saves as much as it does with a stack trace.
    words = " ".join(f"frame_{chance.randrange(300)}" for _ in range(200))[:PAYLOAD_BYTES]
    for _ in range(number):
        body = envelope(key, words)
        if zipped:
            body = gzip.compress(body, 6)
        lines = [
            f"POST /api/{project}/envelope/ HTTP/1.1",
            "Host: 127.0.0.1",
            f"X-Sentry-Auth: Sentry sentry_key={key}, sentry_version=7, sentry_client=bench/1.0",
            "Content-Type: application/x-sentry-envelope",
            *(["Content-Encoding: gzip"] if zipped else []),
            f"Content-Length: {len(body)}",
        ]
        yield "\r\n".join((*lines, "", "")).encode("ascii") + body


def main(port: str, project: str, key: str, connections: str, seconds: str, form: str) -> None:
    prepared = list(requests(project, key, int(MOST_A_SECOND * (float(seconds) + 1)), form == "gzip"))
    turns = iter(range(sys.maxsize))
    loaded = load(int(port), lambda: prepared[next(turns) % len(prepared)], int(connections), float(seconds))
    print(json.dumps(summary(loaded)))


if __name__ == "__main__":
    main(*sys.argv[1:])
