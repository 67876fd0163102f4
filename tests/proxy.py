"""A TCP proxy between a client and a real server on this machine, which can delay, drop and cut."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from types import TracebackType


class Proxy:
    """A proxy that listens on 127.0.0.1:`port` and passes everything on to `target`, with these exceptions:

    refuse           cut new connections at once, and open ones at their next request
    lose_answer_of   pass on the next request with these bytes, drop its answer, and cut the connection
    lose_request_of  drop the next request with these bytes, and cut the connection
    hold_answer_of   while this is set, pass on requests with these bytes and hold back their answers

    With `tls` it is the server of HTTPS in front of the target.
    """

    def __init__(self, target: int, tls: ssl.SSLContext | None = None) -> None:
        self.target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        if tls:  # each connection begins with its first bytes, so that one that sends none holds up no other
            self._listener = tls.wrap_socket(self._listener, server_side=True, do_handshake_on_connect=False)
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._ended = False
        self.reset()
        self._start(self._accept)

    def reset(self) -> None:
        self.refuse = False
        self.lose_answer_of = self.lose_request_of = self.hold_answer_of = b""
        self._seen = b""

    def seen(self, what: bytes) -> int:
        """Return how often these bytes came from a client since the last reset."""
        return self._seen.count(what)

    def close(self) -> None:
        self._ended = True
        for one in (self._listener, *self._open):
            _shut(one)
        for thread in self._threads:
            thread.join(5)

    def __enter__(self) -> Proxy:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _start(self, what: object, *arguments: object) -> None:
        assert callable(what)
        thread = threading.Thread(target=what, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._ended:
            try:
                client = self._listener.accept()[0]
            except OSError:
                return
            if self.refuse:
                _shut(client)
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self.target), 5)
            except OSError:
                _shut(client)
                continue
            server.settimeout(None)
            pair = _Pair(client, server)
            self._open |= {client, server}
            self._start(self._requests, pair)
            self._start(self._answers, pair)

    def _requests(self, pair: _Pair) -> None:
        while data := _received(pair.client):
            self._seen += data
            if self.refuse:
                break
            if self.lose_request_of and self.lose_request_of in data:
                self.lose_request_of = b""
                break
            if self.lose_answer_of and self.lose_answer_of in data:
                self.lose_answer_of = b""
                pair.lose = True
            if self.hold_answer_of and self.hold_answer_of in data:
                pair.hold = True
            if not _sent(pair.server, data):
                break
        pair.cut()

    def _answers(self, pair: _Pair) -> None:
        while data := _received(pair.server):
            if pair.lose:
                break
            if not pair.hold and not _sent(pair.client, data):
                break
        pair.cut()


class _Pair:
    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client, self.server = client, server
        self.lose = self.hold = False

    def cut(self) -> None:
        _shut(self.client)
        _shut(self.server)


def _received(one: socket.socket) -> bytes:
    try:
        return one.recv(65536)
    except OSError:
        return b""


def _sent(one: socket.socket, data: bytes) -> bool:
    try:
        one.sendall(data)
    except OSError:
        return False
    return True


def _shut(one: socket.socket) -> None:
    with suppress(OSError):  # it is not connected any more
        one.shutdown(socket.SHUT_RDWR)
    one.close()
