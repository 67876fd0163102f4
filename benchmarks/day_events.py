"""The SDKs of the day in production: a closed loop of envelopes over keep-alive connections.

    python -m benchmarks.day_events PORT FILE CONNECTIONS SECONDS EVERY

The JSON file holds the keys, as [project, public key, weight]. All that can be made before is made before. Every EVERY
seconds it prints one JSON object, {"rate", "p50", "p99"} in answers a second and ms, and at the end {"counted":
{"category:outcome": n}, "refused": n, "failed": n, "answers": n}: what the service has acknowledged. `failed` are
answers of 503, which promise nothing. It fails at any other answer than 200, 429 and 503.
"""

from __future__ import annotations

import json
import random
import selectors
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmarks.day_traffic import Key, Kind, kinds, request

DRAWN = 50_000


def drawn(keys: list[Key]) -> Iterator[tuple[Kind, Key]]:
    """Yield kinds and keys for ever, by their weights."""
    source, known = random.Random(1), kinds()
    while True:
        yield from zip(
            source.choices(known, [one.share for one in known], k=DRAWN),
            source.choices(keys, [one.weight for one in keys], k=DRAWN),
            strict=True,
        )


def status_of(answer: bytes) -> int | None:
    """Return the status, or None if the answer is not whole yet."""
    head, blank, body = answer.partition(b"\r\n\r\n")
    if not blank:
        return None
    start = head.lower().index(b"content-length: ") + 16
    return int(head[9:12]) if len(body) >= int(head[start:].partition(b"\r\n")[0]) else None


def report(times: list[float], lasted: float) -> None:
    """Print how the last seconds were."""
    times.sort()
    p50, p99 = (1000 * times[len(times) * one // 100] for one in (50, 99))
    print(json.dumps({"rate": len(times) / lasted, "p50": p50, "p99": p99}), flush=True)


def main(port: str, file: str, connections: str, seconds: str, every: str) -> None:
    todo = drawn([Key(*row) for row in json.loads(Path(file).read_text())])
    selector = selectors.DefaultSelector()
    counted: Counter[str] = Counter()
    statuses: Counter[int] = Counter()
    under_way: dict[socket.socket, tuple[Kind, float]] = {}
    partial: dict[socket.socket, bytes] = {}
    clock = time.perf_counter

    def send(connection: socket.socket) -> None:
        kind, key = next(todo)
        sent = request(kind, key)
        partial[connection], under_way[connection] = b"", (kind, clock())
        connection.sendall(sent)

    for _ in range(int(connections)):
        connection = socket.create_connection(("127.0.0.1", int(port)))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(connection, selectors.EVENT_READ, connection)
        send(connection)
    begin = reported = clock()
    end = begin + float(seconds)
    times: list[float] = []
    while under_way:
        for chosen, _ in selector.select(1):
            connection = chosen.data
            received = connection.recv(1 << 16)
            partial[connection] += received
            status = status_of(partial[connection])
            if status not in (None, 200, 429, 503) or not received:
                raise RuntimeError(partial[connection][:300].decode(errors="replace") or "a connection was closed")
            if status is None:
                continue
            kind, since = under_way.pop(connection)
            now = clock()
            times.append(now - since)
            statuses[status] += 1
            counted.update({200: kind.accepted, 429: kind.refused or {}, 503: {}}[status])
            if now < end:
                send(connection)
        if clock() - reported >= float(every):
            report(times, clock() - reported)
            times, reported = [], clock()
    said = {"counted": counted, "refused": statuses[429], "failed": statuses[503], "answers": statuses.total()}
    print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
