"""A closed loop of GET requests over keep-alive connections. It runs in its own process, beside the server it loads.

    python -m benchmarks.load PORT PATH CONNECTIONS SECONDS [AUTHORIZATION]

Each connection sends its next request as soon as the answer to the last one has arrived. The process shares its cores
with the server, so it does as little as possible: one prepared request, one epoll, and no parsing beyond
Content-Length. It prints one JSON object: {"requests": n, "seconds": s, "p50": ms, "p99": ms, "worst": ms, "answers":
all that were answered, warm-up included}.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

WARM_UP_SECONDS = 0.3
"""Requests of this time are not counted, because a worker's first requests fill caches and open connections."""


class Loaded(NamedTuple):
    """The latency of each answer that counts, the time that it all took, both in seconds, and the number of answers."""

    times: list[float]
    lasted: float
    answers: int


def load(port: int, next_request: Callable[[], bytes], connections: int, seconds: float) -> Loaded:
    """Send requests for this many seconds.

    Raises RuntimeError for an answer that is not 200, or if the server closes a connection.
    """
    selector = selectors.DefaultSelector()
    sent: dict[socket.socket, float] = {}
    partial: dict[socket.socket, bytes] = {}
    clock = time.perf_counter
    for _ in range(connections):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(connection, selectors.EVENT_READ, connection)
        partial[connection], sent[connection] = b"", clock()
        connection.sendall(next_request())
    times: list[float] = []
    answers = 0
    begin = clock() + WARM_UP_SECONDS
    end = begin + seconds
    now = clock()
    while now < end:
        for key, _ in selector.select(1):
            connection = key.data
            received = connection.recv(1 << 18)
            if not received:
                raise RuntimeError("the server closed a connection")
            answer = partial[connection] + received
            if not _is_whole(answer):
                partial[connection] = answer
                continue
            now = clock()
            answers += 1
            if now >= begin:
                times.append(now - sent[connection])
            partial[connection], sent[connection] = b"", now
            connection.sendall(next_request())
        now = clock()
    for connection in sent:
        connection.close()
    return Loaded(times, now - begin, answers)


def _is_whole(answer: bytes) -> bool:
    """Return whether all of the answer has arrived. Raises RuntimeError if its status is not 200."""
    head, blank, body = answer.partition(b"\r\n\r\n")
    if not blank:
        return False
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(answer[:300].decode(errors="replace"))
    start = head.index(b"content-length: ") + 16
    end = head.find(b"\r\n", start)
    return len(body) >= int(head[start:] if end < 0 else head[start:end])


def main(port: str, path: str, connections: str, seconds: str, authorization: str = "") -> None:
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: */*"]
    if authorization:
        lines.append(f"Authorization: {authorization}")
    request = "\r\n".join((*lines, "", "")).encode("ascii")
    print(json.dumps(summary(load(int(port), lambda: request, int(connections), float(seconds)))))


def summary(loaded: Loaded) -> dict[str, float]:
    """Return the object that `main` prints."""
    times = sorted(loaded.times)
    milliseconds = {"p50": times[len(times) // 2], "p99": times[len(times) * 99 // 100], "worst": times[-1]}
    return {
        "requests": len(times),
        "seconds": loaded.lasted,
        "answers": loaded.answers,
        **{name: 1000 * one for name, one in milliseconds.items()},
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
