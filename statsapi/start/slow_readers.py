"""The end of connections whose client does not read its answer, so that they do not hold memory for ever.

granian waits as long as the client likes. The kernel does not if the socket has a time-out, and a listening socket
hands the time-out on to each connection. This works on Linux only.
"""

from __future__ import annotations

import os
import socket
import stat
import time
from contextlib import suppress

SECONDS = 30
"""The longest that a client may read nothing of what is there for it, or not confirm what it was sent."""


def bound() -> None:
    """Wait up to 30 seconds until this process listens, and set the time-out of its listening sockets."""
    deadline = time.monotonic() + 30
    while hasattr(socket, "TCP_USER_TIMEOUT") and time.monotonic() < deadline:
        if _set_timeouts(list(map(int, os.listdir("/proc/self/fd")))):
            return
        time.sleep(0.05)


def _set_timeouts(descriptors: list[int]) -> int:
    """Set the time-out of each listening socket among the descriptors, and return how many there are."""
    number_set = 0
    for descriptor in descriptors:
        with suppress(OSError):  # it was closed meanwhile
            if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                continue
            with socket.socket(fileno=os.dup(descriptor)) as one:
                if one.family != socket.AF_UNIX and one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 1000 * SECONDS)
                    number_set += 1
    return number_set
