"""Closing the connections that ended threads leave.

The server starts threads for a crowd, and ends them when they are idle. Django kept a connection to the database for
each, and only the garbage collector closes it. That runs so rarely here (statsapi/wsgi.py) that a few crowds would use
up all descriptors.
"""

from __future__ import annotations

import gc
import threading

SECONDS = 30.0
"""Seconds between two collections. Objects from before the worker serves are frozen, so a collection is short."""


def close_what_they_leave() -> None:
    """Start a thread that collects garbage regularly."""
    threading.Thread(target=collect_until, args=[threading.Event()], name="left-by-threads", daemon=True).start()


def collect_until(ended: threading.Event) -> None:
    """Collect garbage every SECONDS until the event is set."""
    while not ended.wait(SECONDS):
        gc.collect()
