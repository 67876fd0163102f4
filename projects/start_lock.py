"""Of several starts on one VAR_DIR one prepares at a time: the database, the stores, the demo data.

The lock is an flock on one file, which the kernel frees however a process ends. It is handed on to the web server and
freed when that answers, so that the next start meets a port that is taken or free, and never half of either.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path


def file_of(var_dir: Path) -> Path:
    return var_dir / "start.lock"


def acquire(var_dir: Path, on_wait: Callable[[], object]) -> int:
    """The descriptor that holds the lock; `on_wait` is called once where another start must be waited for."""
    descriptor = os.open(file_of(var_dir), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        on_wait()
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def is_held(var_dir: Path) -> bool:
    """True while some start prepares."""
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
