"""The end of a worker without a lost answer.

A server that closes its kept-alive connections meets clients that have just sent their next request on one. So a worker
that is to end first says `Connection: close` in every answer, and the server closes each connection after its answer.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable

from statsapi.door.body import Message, Receive, Scope, Send

QUIET = 0.1
"""Seconds without a request after which nobody is expected to send one on an open connection."""
PATIENCE = 2.0
"""The longest in seconds that a worker which is to end goes on as before."""
TICK = 0.02

Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class Stopping:
    """Knows how many requests an application is answering, and whether its worker is to end."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._under_way = self._begun = 0
        self._is_ending = threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the application answer a request."""

        def send_and_close(message: Message) -> Awaitable[None]:
            if self._is_ending.is_set() and message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            return send(message)

        self._under_way += 1
        self._begun += 1
        try:
            await self._application(scope, receive, send_and_close)
        finally:
            self._under_way -= 1

    def finish(self) -> None:
        """Have every connection closed after its answer from now on. Return when it is quiet, or after PATIENCE.

        Called by a thread other than the event loop's.
        """
        self._is_ending.set()
        now = time.monotonic()
        deadline, quiet_since, begun = now + PATIENCE, now, self._begun
        while now < min(deadline, quiet_since + QUIET):
            time.sleep(TICK)
            now = time.monotonic()
            if self._under_way or begun != self._begun:
                quiet_since, begun = now, self._begun
