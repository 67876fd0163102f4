"""Folders of installed clients in the user's cache, where another clone or the next run of CI finds them."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

KEPT = 14 * 86400
"""Seconds for which a folder stays in the cache after its last use."""


@contextmanager
def installed(name: str, requirements: Path, install: Callable[[Path], None]) -> Iterator[Path]:
    """Yield the folder `name` for this content of `requirements`, while no other test process may change it.

    If there is none, `install` fills a new one. It may raise what it likes, and then there still is none.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "statsapi-tests"
    cache.mkdir(parents=True, exist_ok=True)
    wanted = cache / f"{name}-{hashlib.sha256(requirements.read_bytes()).hexdigest()[:16]}"
    with (cache / f"lock-{name}").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # only one of several test processes installs
        if not wanted.is_dir():
            for folder in cache.glob(f"{name}-*"):
                if folder.stat().st_mtime < time.time() - KEPT:
                    shutil.rmtree(folder)
            made = cache / f"installing-{name}"
            shutil.rmtree(made, ignore_errors=True)
            made.mkdir()
            install(made)
            made.rename(wanted)  # all at once, so that one that is there is complete
        os.utime(wanted)
        yield wanted
