"""The port is one server's alone.

granian listens with SO_REUSEPORT, for several workers, and so a second server would share the port with the first: each
would get some of the requests, and nobody would notice.
"""

from __future__ import annotations

import errno
import socket
import sys
import time

PATIENCE = 2.0
"""Seconds that a server which is just ending has to leave the port."""


def address_of(host: str) -> str:
    """The first address of a name, since granian takes no names. Exits with a message where there is none."""
    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except OSError as error:
        sys.exit(f"A setting is wrong: HOST is {host!r}, which names no address: {error.strerror}.")


def take(host: str, port: int, hint: str) -> None:
    """Takes the port for this process, what it becomes, and its children; exits with a message where another has it.

    What says so is a name that the kernel knows as long as one of them lives, so that nothing is left behind. There are
    such names on Linux alone; elsewhere two servers that start in the same moment can still meet.
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
    """Raises OSError where somebody listens there."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((address, port))
