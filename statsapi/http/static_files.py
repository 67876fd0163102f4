"""The static files: small ones at once, and of the large ones so few at a time that their readers stop nobody else.

A large file is handed to the server piece by piece, and the thread that does so waits for its reader. Who asked for 512
files and read none of them would hold all threads.
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
"""Bytes that the server takes whether the client reads or not, so no thread waits for it."""
SHARE = 1 / 4
"""The most of the threads that hand out large files."""
SECONDS = 120
"""The longest that one is handed out; of the largest a client must take 33 KB a second."""


class Files(WhiteNoiseMiddleware):  # type: ignore[misc]
    free = threading.BoundedSemaphore(max(1, int(settings.WEB_THREADS * SHARE)))

    @classmethod
    def serve(cls, static_file: Any, request: HttpRequest) -> HttpResponseBase:
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
    """The pieces of a file; when they are closed its place is free, as happens in any case."""

    def __init__(self, pieces: Any) -> None:
        self._pieces = iter(pieces)
        self._ends = time.monotonic() + SECONDS
        self._closing = threading.Lock()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if time.monotonic() > self._ends:
            log.warning("A file was read too slowly: its connection is closed.")
            raise StopIteration  # too short for its Content-Length, so the server closes the connection
        piece: bytes = next(self._pieces)
        return piece

    def close(self) -> None:
        if self._closing.acquire(blocking=False):
            Files.free.release()
