"""The main process of granian (`python -m statsapi.start.web`), and the start and end of its workers.

granian loads this module in each worker and calls `application`. The module imports little, because until `application`
runs a signal meets a handler that the worker inherited from the main process.
"""

from __future__ import annotations

import fcntl
import os
import signal
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from statsapi.start import slow_readers

if TYPE_CHECKING:
    from statsapi.door.stopping import Stopping

HANDOVER = "STATSAPI_WEB"
"""The variable that holds the id of the main process, the descriptor that the text to show is read from, and the one of
the lock (projects/start_lock.py), which is -1 without a lock."""


def application() -> Stopping:
    """Return the ASGI application that this worker serves."""
    main_process, reader, lock = map(int, os.environ[HANDOVER].split())
    # Ctrl-C reaches every process of the terminal, but the main process ends its workers, by SIGTERM. Both are blocked
    # in all threads to come, and one thread takes one SIGTERM.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    inherited = signal.getsignal(signal.SIGTERM)
    if getattr(getattr(inherited, "__self__", None), "interrupt_signal", False):
        os._exit(0)  # a signal came earlier
    served: list[Stopping] = []
    for target, arguments in (
        (_end_once, [inherited, served]),
        (_end_with, [main_process]),
        (_show, [reader, lock]),
        (slow_readers.bound, []),
    ):
        threading.Thread(target=target, args=arguments, daemon=True).start()
    from statsapi.asgi import application as asgi_application  # takes its time

    served.append(asgi_application)
    return asgi_application


def _end_once(inherited: Any, served: list[Stopping]) -> None:
    """Wait for one SIGTERM. Hand it to granian when clients expect no more answers."""
    signal.sigwait({signal.SIGTERM})
    if signal.getsignal(signal.SIGTERM) is inherited:
        os._exit(0)  # the worker serves nothing yet
    served[0].finish()
    # granian's handler waits in the event loop, which the signal wakes even if this thread gets it.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    signal.raise_signal(signal.SIGTERM)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def _end_with(main_process: int) -> None:
    """End this worker if its main process was killed: it would hold the port for ever."""
    while os.getppid() == main_process:
        time.sleep(0.2)
    os.kill(os.getpid(), signal.SIGTERM)


def _show(reader: int, lock: int) -> None:
    """Show the text of `make run` when the server answers, so that the commands in it work at once. Free the lock.

    The port is taken by then, so another start may go on.
    """
    # One of all workers, respawned ones included, reads the text. The others read the end of the pipe.
    text = os.read(reader, 65536).decode()
    if text:
        _wait_for_an_answer()
        print(text, flush=True)  # noqa: T201
    if lock >= 0:
        fcntl.flock(lock, fcntl.LOCK_UN)  # for all processes that have inherited it


def _wait_for_an_answer() -> None:
    import http.client

    from django.conf import settings

    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.HOST, settings.HOST)  # noqa: S104
    while True:
        with suppress(OSError, http.client.HTTPException):
            server = http.client.HTTPConnection(host, settings.PORT, timeout=5)
            server.request("GET", "/healthz")
            server.getresponse().read()
            server.close()
            return
        time.sleep(0.01)


if __name__ == "__main__":
    # Until granian handles the signal, Ctrl-C ends this process without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from granian.cli import cli

    cli()
