"""Becoming the web server: the options of granian, and how many connections it may have."""

from __future__ import annotations

import os
import resource
import sys
from contextlib import suppress

from statsapi.door import threads
from statsapi.operations import metrics_files
from statsapi.start import port, web

HEADER_BYTES = 64 * 1024
"""A request line and headers of this size together always pass. Above twice as much the answer is 431, unread."""
CONNECTIONS = 10_000
"""The most open connections of a worker, at some 4 KB each. A further client waits until another has left."""
WAITING = 4096
"""The most connections that wait to be accepted. The kernel may have a lower bound."""
HEADER_SECONDS = 30
"""Seconds for the line and headers of the next request, since the connection opened or the last answer ended."""
WORKER_PATIENCE = 8
"""Seconds that a worker has to finish the requests under way. Docker kills everything after 10."""


def serve(text: str, lock: int | None = None) -> None:
    """Become granian. The worker that is ready first shows the text, if there is one, and frees the lock."""
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
            *options(settings.HOST, settings.PORT, settings.WEB_WORKERS),
        ],
    )


def options(host: str, port_number: int, workers: int) -> list[str]:
    """Return the options of granian. The limit of descriptors of this process is raised for the connections."""
    return [
        *("--interface", "asginl", "--loop", "asyncio"),
        *("--host", port.address_of(host), "--port", str(port_number)),
        *("--workers", str(workers)),
        # With HTTP/2, one client that is lost in the middle of a body keeps a core busy for ever.
        *("--http", "1", "--no-ws", "--log-level", "error", "--respawn-failed-workers"),
        *("--workers-kill-timeout", str(WORKER_PATIENCE)),
        *("--http1-buffer-size", str(HEADER_BYTES)),
        *("--http1-header-read-timeout", str(1000 * HEADER_SECONDS)),
        *("--backlog", str(WAITING), "--backpressure", str(connections_for(2 * threads.MOST))),
    ]


def connections_for(number: int) -> int:
    """Return how many connections a worker with this number of threads can take.

    The limit of descriptors of this process is raised as far as that needs and the system allows. Threads need
    descriptors too. If none is left, granian asks for one again and again, and keeps a core busy.
    """
    for_threads = 4 * number + 512  # a thread has the three files of SQLite and a connection to Redis
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return CONNECTIONS
    wanted = CONNECTIONS + for_threads
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft < allowed:
        with suppress(ValueError, OSError):  # macOS refuses the limit that it calls unlimited
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
            soft = allowed
    return max(128, min(CONNECTIONS, soft - for_threads))
