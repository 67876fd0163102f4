"""The connections of threads that have ended are closed.

Threads of the server come with a crowd and go when they idle. What Django kept for each, a connection to the database,
is left to the garbage collector, which otherwise comes so seldom here (statsapi/wsgi.py) that a few crowds would use up
all descriptors.
"""

from __future__ import annotations

import gc
import threading

SECONDS = 30.0
"""Between two collections. What was loaded before the worker serves is frozen, so each looks at little."""


def close_what_they_leave() -> None:
    threading.Thread(target=collect_until, args=[threading.Event()], name="left-by-threads", daemon=True).start()


def collect_until(ended: threading.Event) -> None:
    while not ended.wait(SECONDS):
        gc.collect()
