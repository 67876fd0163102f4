"""VAR_DIR, the folder for everything that the service keeps on its own disk, and the names of the files in it.

The embedded server (tsdb/embedded.py) and the lock of a start (projects/start_lock.py) add files of their own.
"""

from __future__ import annotations

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from statsapi import env

BASE_DIR = Path(__file__).resolve().parent.parent

ADDRESS = "address"
"""A file with the URL where `make run` listens, so that a command in another shell prints the same DSNs."""
SECRET_KEY = "secret_key"  # noqa: S105 - a name
"""A file with the random SECRET_KEY, which `make run` writes once. In production the environment gives the key."""
DATABASE = "statsapi.sqlite3"
METRICS = "metrics"
"""A folder with the measurements of each worker, so that any worker can report all of them."""


def var_dir() -> Path:
    """Return the folder that the environment names. Raises ImproperlyConfigured."""
    return env.path("VAR_DIR", BASE_DIR / "var")


def make(folder: Path) -> None:
    """Make the folder, which only its owner can enter. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def read(file: Path) -> str | None:
    """Return the line that a file of the folder holds, or None if there is no such file.

    Raises ImproperlyConfigured if the file cannot be read, is empty, or is no text.
    """
    try:
        line = file.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ImproperlyConfigured(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        line = ""
    if not line.isprintable() or not line:
        raise ImproperlyConfigured(f"{file} is empty or holds something else. Delete it; `make run` writes it anew.")
    return line


def write(file: Path, line: str) -> None:
    """Write a file of the folder so that nobody reads half of it. Raises OSError."""
    fresh = file.with_suffix(f".{os.getpid()}")
    fresh.write_text(line, encoding="utf-8")
    fresh.replace(file)
