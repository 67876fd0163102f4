"""The static files. Small ones are served at once, and only a few large ones at a time.

A large file is handed to the server in pieces, and the thread that does so waits for the client. A client that asks for
512 files and reads none of them would hold all threads.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from whitenoise.middleware import WhiteNoiseMiddleware

from statsapi.operations.retry import RETRY_AFTER

log = logging.getLogger(__name__)

SMALL = 64 * 1024
"""Bytes that the server takes even if the client does not read, so that no thread waits."""
SHARE = 1 / 4
"""The largest share of the threads that may hand out large files."""
SECONDS = 120
"""The longest that a file is handed out. A client must read the largest file at 33 KB a second."""


class Files(WhiteNoiseMiddleware):  # type: ignore[misc]
    """WhiteNoise, which answers 503 if too many threads are handing out large files."""

    free = threading.BoundedSemaphore(max(1, int(settings.WEB_THREADS * SHARE)))

    @classmethod
    def serve(cls, static_file: Any, request: HttpRequest) -> HttpResponseBase:
        """Return the file, whose pieces hold a place if it is large, or 503 if no place is free."""
        response: FileResponse = WhiteNoiseMiddleware.serve(static_file, request)
        if request.method == "HEAD" or int(response.headers.get("Content-Length", 0)) <= SMALL:
            return response
        if not cls.free.acquire(blocking=False):
            response.close()
            return HttpResponse("Too many are reading files.", "text/plain", 503, headers=RETRY_AFTER)
        response.block_size = SMALL
        response.streaming_content = _Lent(response.streaming_content)
        return response


class _Lent:
    """The pieces of a file. Closing them frees the place, and the server always closes them."""

    def __init__(self, pieces: Any) -> None:
        self._pieces = iter(pieces)
        self._ends = time.monotonic() + SECONDS
        self._closing = threading.Lock()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if time.monotonic() > self._ends:
            log.warning("A file was read too slowly: its connection is closed.")
            raise StopIteration  # the answer is shorter than its Content-Length, so the server closes the connection
        piece: bytes = next(self._pieces)
        return piece

    def close(self) -> None:
        """Free the place, once."""
        if self._closing.acquire(blocking=False):
            Files.free.release()
