"""Clients that send the body of a request a byte a second.

    python -m benchmarks.load_slowly PORT PROJECT KEY SOCKETS SECONDS

Every other one sends an event. The rest send counts, which Django takes. It prints a line when all are open, and one
JSON object when the service has closed all, or SECONDS after the last was opened: {"closed": n, "last": s}.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from itertools import cycle

LENGTH = 5000
TURNS = 100
"""A second has so many turns, and in each of them a part of the clients sends its byte."""


def opened(port: int, path: str, headers: str) -> socket.socket:
    """Connect and send the head of a request with a long body."""
    client = socket.create_connection(("127.0.0.1", port), 20)
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\nContent-Length: {LENGTH}\r\n\r\n"
    client.sendall(head.encode())
    client.setblocking(False)
    return client


def main(port: str, project: str, key: str, sockets: str, seconds: str) -> None:
    event = (f"/api/{project}/envelope/", f"X-Sentry-Auth: Sentry sentry_key={key}, sentry_version=7")
    counts = ("/api/0/projects/acme/web/outcomes/", "Content-Type: application/json")
    selector = selectors.DefaultSelector()
    for number in range(int(sockets)):
        client = opened(int(port), *(counts if number % 2 else event))
        selector.register(client, selectors.EVENT_READ)
    print("open", flush=True)
    begin, closed, last = time.monotonic(), 0, 0.0
    turns, next_turn = cycle(range(TURNS)), begin
    while selector.get_map() and time.monotonic() - begin < float(seconds):
        for chosen, _ in selector.select(max(0, next_turn - time.monotonic())):
            one = chosen.fileobj
            assert isinstance(one, socket.socket)
            if not _is_open(one):
                closed, last = closed + 1, time.monotonic() - begin
                selector.unregister(one)
                one.close()
        if time.monotonic() >= next_turn:
            next_turn += 1 / TURNS
            turn = next(turns)
            for waiting in list(selector.get_map().values()):
                if waiting.fd % TURNS == turn:
                    _send(waiting.fileobj)
    print(json.dumps({"closed": closed, "last": last}))


def _is_open(client: socket.socket) -> bool:
    """Read what came. Return whether the service has not closed the connection."""
    try:
        return bool(client.recv(65536))
    except BlockingIOError:
        return True
    except OSError:
        return False


def _send(client: object) -> None:
    assert isinstance(client, socket.socket)
    try:
        client.send(b"x")
    except OSError:  # it was closed; the selector says so too
        return


if __name__ == "__main__":
    main(*sys.argv[1:])
