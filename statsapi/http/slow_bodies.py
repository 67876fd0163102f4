"""A deadline for the body of a request, so that a client which sends slowly or stops holds no thread for ever.

granian reads a body in Rust, where nothing interrupts the thread that waits for it. The wait ends when the connection
does, and a connection can be ended from here: each call of the application gets an object that takes the answer, and
takes it from any thread. If an answer ends before its Content-Length, granian closes the connection. After a whole
answer the client could go on sending. So a slow sender gets 408 with all of its text, and the connection is closed one
byte before the end of the answer.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings

from statsapi.http import slow_readers

log = logging.getLogger(__name__)

TICK = 0.2
"""Seconds between two looks at the bodies that are being read."""
PATIENCE = 1.0
"""Seconds that a sender has for its next piece (64 KiB, or what is left) while threads are scarce."""
SCARCE = 3 / 4
"""Threads are scarce while more than this share of them waits longer than PATIENCE."""
FLUSHED = 0.1
"""Seconds that the text of a 408 gets to leave. The end of the connection would otherwise overtake it."""

Call = Callable[[Any, dict[str, Any]], Any]
"""What granian calls for each request, with the object that takes the answer, and the start of the WSGI environment."""


class Body:
    """`wsgi.input` of one request, which notes when it began to wait."""

    __slots__ = ("_reading", "_source", "answer", "began", "waits_since")

    def __init__(self, source: Any, answer: Any, reading: dict[int, Body]) -> None:
        self._source, self.answer, self._reading = source, answer, reading
        self.began = self.waits_since = 0.0

    def read(self, *size: int) -> bytes:
        """Read bytes. Raises TimeoutError if the sender was too slow; it has its answer then."""
        return self._within_time(self._source.read, size)

    def readline(self, *size: int) -> bytes:
        """Read a line. Raises TimeoutError as `read` does."""
        return self._within_time(self._source.readline, size)

    def _within_time(self, read: Callable[..., bytes], size: tuple[int, ...]) -> bytes:
        self.waits_since = time.monotonic()
        self.began = self.began or self.waits_since
        self._reading[id(self)] = self
        data = read(*size)
        # This thread and the watch both remove the body from the table. The first one decides about the request.
        if self._reading.pop(id(self), None) is None:
            raise TimeoutError("the body was sent too slowly")
        return data


class Watch:
    """Ends requests whose bodies come too slowly.

    A whole body has `seconds`. While `threads` are scarce, each piece of a body has PATIENCE.
    """

    def __init__(self, seconds: float, threads: int) -> None:
        self._seconds, self._most = seconds, threads * SCARCE
        self._reading: dict[int, Body] = {}

    def around(self, call: Call) -> Call:
        """Return a call that does the same, and whose body is watched if the request has one."""

        def watched(answer: Any, environ: dict[str, Any]) -> Any:
            if "CONTENT_LENGTH" in environ or "HTTP_TRANSFER_ENCODING" in environ:
                environ["wsgi.input"] = Body(environ["wsgi.input"], answer, self._reading)
            return call(answer, environ)

        return watched

    def run(self) -> None:
        """End slow requests for ever."""
        while True:
            time.sleep(TICK)
            ended = [body for body in self.too_slow(time.monotonic()) if self._reading.pop(id(body), None)]
            for body in ended:
                # Each needs a thread of its own, because it takes until its text has left.
                try:
                    threading.Thread(target=self._refuse, args=[body.answer], daemon=True).start()
                except RuntimeError:  # the system has no more threads: one after the other
                    self._refuse(body.answer)
            if ended:
                log.warning("Ended %d requests whose bodies came too slowly.", len(ended))

    def too_slow(self, now: float) -> set[Body]:
        """Return the bodies to end at `now`, which is of the monotonic clock."""
        reading = list(self._reading.values())
        late = {body for body in reading if now - body.began > self._seconds}
        waiting = {body for body in reading if now - body.waits_since > PATIENCE}
        return late | waiting if len(waiting) > self._most else late

    def _refuse(self, answer: Any) -> None:
        detail = f"The body came too slowly: it has {self._seconds:g} s, and less while many are slow."
        text = json.dumps({"detail": detail}).encode()

        def all_but_one_byte() -> Iterator[bytes]:
            yield text
            time.sleep(FLUSHED)

        headers = {"Content-Type": "application/json", "Content-Length": str(len(text) + 1), "Connection": "close"}
        answer.response_iter(408, list(headers.items()), all_but_one_byte())


def watch() -> None:
    """Watch the bodies of this process if it is a worker of granian. Other servers have a time-out of their own.

    It is called while a worker loads the application, before granian wraps it.
    """
    granian: Any = sys.modules.get("granian.server.mp")
    if granian is None:
        return
    threading.Thread(target=slow_readers.bound, name="unread", daemon=True).start()
    wrap = granian._wsgi_call_wrap

    def wrap_and_watch(*arguments: Any) -> Call:
        watch = Watch(settings.BODY_TIMEOUT, settings.WEB_THREADS)
        threading.Thread(target=watch.run, name="slow-bodies", daemon=True).start()
        return watch.around(wrap(*arguments))

    granian._wsgi_call_wrap = wrap_and_watch
