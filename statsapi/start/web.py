"""The web server, granian: its main process (`python -m statsapi.start.web`), and how a worker begins and ends.

granian loads this module in each worker and calls `application`. It imports little, because a signal that comes before
`application` runs meets a handler that the main process left to the worker.
"""

from __future__ import annotations

import fcntl
import os
import signal
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

HANDOVER = "STATSAPI_WEB"
"""The variable that holds the main process' id, the descriptor that the text to show comes from, and that of the lock
(projects/start_lock.py; -1: none)."""


def application() -> WSGIApplication:
    """The WSGI application that this worker serves."""
    main_process, reader, lock = map(int, os.environ[HANDOVER].split())
    # Ctrl-C reaches every process of the terminal, but it is the main process that ends its workers, by SIGTERM. Of two
    # signals granian's handler sometimes lets the worker hang, so they are kept from it in all threads to come.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    inherited = signal.getsignal(signal.SIGTERM)
    if getattr(getattr(inherited, "__self__", None), "interrupt_signal", False):
        os._exit(0)  # one came earlier
    for target, arguments in ((_end_once, [inherited]), (_end_with, [main_process]), (_show, [reader, lock])):
        threading.Thread(target=target, args=arguments, daemon=True).start()
    from statsapi.wsgi import application as wsgi_application  # takes its time

    return wsgi_application


def _end_once(inherited: Any) -> None:
    """Hands one SIGTERM to granian, which finishes the requests under way, and no other."""
    signal.sigwait({signal.SIGTERM})
    handler = signal.getsignal(signal.SIGTERM)
    if handler is inherited or not callable(handler):
        os._exit(0)  # nothing is served yet
    handler(signal.SIGTERM, None)


def _end_with(main_process: int) -> None:
    """The worker of a killed main process would hold the port for ever."""
    while os.getppid() == main_process:
        time.sleep(0.2)
    os.kill(os.getpid(), signal.SIGTERM)


def _show(reader: int, lock: int) -> None:
    """Shows the text of `make run` when the server answers, so that what it says to type works at once.

    Then the port is taken too, and another start may go on.
    """
    # Of all workers, respawned ones too, one gets the text; the others get the end of it.
    text = os.read(reader, 65536).decode()
    if text:
        _wait_for_an_answer()
        print(text, flush=True)  # noqa: T201
    if lock >= 0:
        fcntl.flock(lock, fcntl.LOCK_UN)  # for all that have inherited it


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
    # Until granian takes the signal over, Ctrl-C ends this without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from granian.cli import cli

    cli()
