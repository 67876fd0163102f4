"""The lock of a start: of several starts with one VAR_DIR, only one at a time prepares the stores and the demo data.

The lock is an flock on one file, so the kernel frees it however a process ends. The web server inherits it and frees it
once it answers. So the next start finds either a port that is taken or one that is free, and nothing in between.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path


def file_of(var_dir: Path) -> Path:
    """Return the path of the lock's file."""
    return var_dir / "start.lock"


def acquire(var_dir: Path, on_wait: Callable[[], object]) -> int:
    """Take the lock and return the descriptor that holds it. Closing the descriptor frees the lock.

    If another start holds the lock, call `on_wait` once and wait without a limit. Raises OSError if the file cannot be
    opened.
    """
    descriptor = os.open(file_of(var_dir), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        on_wait()
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def is_held(var_dir: Path) -> bool:
    """Return whether a start holds the lock right now."""
    try:
        descriptor = os.open(file_of(var_dir), os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
