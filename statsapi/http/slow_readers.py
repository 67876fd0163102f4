"""A client that takes nothing of its answer loses its connection, and so holds neither a thread nor memory for ever.

granian waits as long as the client likes. The kernel does not, if the socket says so, and a listening socket hands that
on to each connection. On Linux alone; elsewhere statsapi/http/static_files.py bounds how many threads wait.
"""

from __future__ import annotations

import os
import socket
import stat
import time
from contextlib import suppress

SECONDS = 30
"""The longest that a client may take nothing of what is there for it, or not confirm what it was sent."""


def bound() -> None:
    """Waits until this process listens, for a while, and says it to the kernel."""
    deadline = time.monotonic() + 30
    while hasattr(socket, "TCP_USER_TIMEOUT") and time.monotonic() < deadline:
        if _told(list(map(int, os.listdir("/proc/self/fd")))):
            return
        time.sleep(0.05)


def _told(descriptors: list[int]) -> int:
    """To how many listening sockets it was said."""
    told = 0
    for number in descriptors:
        with suppress(OSError):  # closed meanwhile
            if not stat.S_ISSOCK(os.fstat(number).st_mode):
                continue
            with socket.socket(fileno=os.dup(number)) as one:
                if one.family != socket.AF_UNIX and one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 1000 * SECONDS)
                    told += 1
    return told
