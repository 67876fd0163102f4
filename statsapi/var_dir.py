"""VAR_DIR: the folder for everything that the service keeps on its own disk, and what the files in it are called.

The embedded server (tsdb/embedded.py) and the lock of a start (projects/start_lock.py) add files of their own.
"""

from __future__ import annotations

from pathlib import Path

from statsapi import env

BASE_DIR = Path(__file__).resolve().parent.parent

ADDRESS = "address"
"""Where `make run` listens, so that a command in another shell prints the same DSNs."""
SECRET_KEY = "secret_key"  # noqa: S105 - a name
"""The random SECRET_KEY that `make run` writes once; in production the environment gives the key."""
DATABASE = "statsapi.sqlite3"
METRICS = "metrics"
"""A folder: what each worker measured, for all others to tell."""


def var_dir() -> Path:
    """Return the folder that the environment names. Raises ImproperlyConfigured."""
    return env.path("VAR_DIR", BASE_DIR / "var")


def make(folder: Path) -> None:
    """Make the folder, for its owner alone. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
