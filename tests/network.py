"""A network between the nodes of a cluster on this machine, in which one node can be cut off from the others.

Each node connects from a loopback address of its own (`bind-source-addr`), and is reached through a gate in front of
each of its ports. So a gate knows both ends of a connection. Clients that are not nodes, such as the service, always
pass.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from threading import Condition, Thread

from tests.proxy import _received, _sent, _shut


class Network:
    """All nodes and their gates."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._nodes: list[str] = []
        self._gates: list[Gate] = []
        self._cut_off = ""
        self._ended = False

    def new_address(self) -> str:
        """Return an address for one more node to connect from."""
        self._nodes.append(f"127.0.1.{len(self._nodes) + 1}")
        return self._nodes[-1]

    def gate(self, address: str, port: int) -> int:
        """Open a gate in front of a port of the node with that address, and return the port of the gate."""
        self._gates.append(Gate(port, lambda source: self._wait(source, address)))
        return self._gates[-1].port

    def cut_off(self, address: str) -> None:
        """Let nothing pass between that node and the others. Data that is sent waits, and no connection breaks."""
        with self._changed:
            self._cut_off = address

    def heal(self) -> None:
        """Let everything pass again, beginning with the data that waited."""
        with self._changed:
            self._cut_off = ""
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        for gate in self._gates:
            gate.close()

    def _wait(self, source: str, goal: str) -> None:
        if source in self._nodes and self._cut_off in (source, goal):
            with self._changed:
                self._changed.wait_for(lambda: self._ended or self._cut_off not in (source, goal))


class Gate:
    """A proxy in front of one port, which calls `wait(address of the client)` before it passes anything on."""

    def __init__(self, target: int, wait: Callable[[str], None]) -> None:
        self._target, self._wait = target, wait
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._threads: list[Thread] = []
        self._start(self._accept)

    def close(self) -> None:
        for one in (self._listener, *self._open):
            _shut(one)
        for thread in self._threads:
            thread.join(5)

    def _start(self, what: Callable[..., None], *arguments: object) -> None:
        thread = Thread(target=what, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, (source, _) = self._listener.accept()
            except OSError:
                return
            self._start(self._serve, client, source)

    def _serve(self, client: socket.socket, source: str) -> None:
        self._open.add(client)
        self._wait(source)
        try:
            server = socket.create_connection(("127.0.0.1", self._target), 5)
        except OSError:
            _shut(client)
            return
        server.settimeout(None)
        self._open.add(server)
        self._start(self._pass_on, server, client, source)
        self._pass_on(client, server, source)

    def _pass_on(self, giver: socket.socket, taker: socket.socket, source: str) -> None:
        while data := _received(giver):
            self._wait(source)
            if not _sent(taker, data):
                break
        for one in (giver, taker):
            _shut(one)
            self._open.discard(one)
