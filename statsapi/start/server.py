"""Becoming the web server: what granian is told, and how many connections it may have."""

from __future__ import annotations

import os
import resource
import sys
from contextlib import suppress

from statsapi.operations import metrics_files
from statsapi.start import port, web

HEADER_BYTES = 64 * 1024
"""Longest line and headers of a request, together, that always pass. Beyond twice as much the answer is 431, unread."""
CONNECTIONS = 10_000
"""Most connections a worker has open, at some 4 KB each; who connects beyond that waits until another has left."""
WAITING = 4096
"""Most connections that wait to be taken; the kernel may have a lower bound of its own."""
HEADER_SECONDS = 30
"""What a connection has for the next request's line and headers, from when it is open or the last one was answered."""
WORKER_PATIENCE = 8
"""Seconds that a worker has to finish the requests under way; docker kills everything after 10."""


def serve(text: str, lock: int | None = None) -> None:
    """Become granian. The worker that is ready first shows the text and frees the lock, if there are such."""
    from django.conf import settings

    if settings.METRICS_TOKEN:
        metrics_files.delete(settings.METRICS_DIR)
    reader, writer = os.pipe()
    os.set_inheritable(reader, True)
    os.write(writer, text.encode())  # a pipe holds 64 KiB
    if lock is not None:
        os.set_inheritable(lock, True)
    os.environ[web.HANDOVER] = f"{os.getpid()} {reader} {-1 if lock is None else lock}"
    sys.stdout.flush()
    os.execv(  # noqa: S606
        sys.executable,
        [
            *(sys.executable, "-m", "statsapi.start.web", "--factory", "statsapi.start.web:application"),
            *("--interface", "wsgi"),
            *("--host", port.address_of(settings.HOST), "--port", str(settings.PORT)),
            *("--workers", str(settings.WEB_WORKERS), "--blocking-threads", str(settings.WEB_THREADS)),
            # By HTTP/2, one client that is lost in the middle of a body keeps a core busy for ever.
            *("--http", "1", "--no-ws", "--log-level", "error", "--respawn-failed-workers"),
            *("--workers-kill-timeout", str(WORKER_PATIENCE)),
            *("--http1-buffer-size", str(HEADER_BYTES)),
            *("--http1-header-read-timeout", str(1000 * HEADER_SECONDS)),
            *("--backlog", str(WAITING), "--backpressure", str(connections_for(settings.WEB_THREADS))),
        ],
    )


def connections_for(threads: int) -> int:
    """How many connections a worker with so many threads takes, having allowed this process what it may have.

    A thread needs descriptors as well, and where none is left granian asks for one again and again, on a whole core.
    """
    for_threads = 4 * threads + 512  # a thread: the three files of SQLite, a connection to Redis
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return CONNECTIONS
    wanted = CONNECTIONS + for_threads
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft < allowed:
        with suppress(ValueError, OSError):  # macOS refuses what it calls unlimited
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
            soft = allowed
    return max(128, min(CONNECTIONS, soft - for_threads))
