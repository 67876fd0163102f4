"""Taking the port, so that two servers do not share it.

granian listens with SO_REUSEPORT, for its workers. A second server could listen on the same port. Each would get some
of the requests, and nobody would notice.
"""

from __future__ import annotations

import errno
import socket
import sys
import time

PATIENCE = 2.0
"""Seconds that a server which is ending has to leave the port."""


def address_of(host: str) -> str:
    """Return the first address of a host name, because granian takes no names. Exits with a message if it has none."""
    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except OSError as error:
        sys.exit(f"A setting is wrong: HOST is {host!r}, which names no address: {error.strerror}.")


def take(host: str, port: int, hint: str) -> None:
    """Take the port for this process, the program that it becomes, and its children.

    Exits with a message if another process has it. The mark is the name of a socket, which the kernel keeps as long as
    one of the processes lives, so that nothing is left behind. Linux alone has such names. On other systems two servers
    that start in the same moment can still share the port.
    """
    address = address_of(host)
    name = socket.socket(socket.AF_UNIX)
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            if sys.platform == "linux" and not name.getsockname():
                name.bind(f"\0statsapi {address} {port}")
            _bind(address, port)
            break
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                sys.exit(f"Cannot listen on {host}:{port}: {error.strerror}. HOST and PORT say where to.")
            if time.monotonic() > deadline:
                sys.exit(f"Cannot listen on {host}:{port}: {error.strerror}. {hint}")
        time.sleep(0.05)
    name.set_inheritable(True)
    name.detach()


def _bind(address: str, port: int) -> None:
    """Bind the port and release it. Raises OSError if a process listens there."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((address, port))
