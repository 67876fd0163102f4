"""The files in which the workers of a server keep their measurements for each other."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def use(folder: Path) -> None:
    """Make prometheus_client keep its figures in the folder. It reads the variable when it is first imported."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ[VARIABLE] = str(folder)


def written(folder: Path) -> list[str]:
    """Return the paths of the files that hold figures. A file is empty for a moment while a worker makes it."""
    return [str(file) for file in folder.glob("*.db") if file.stat().st_size]


def delete(folder: Path) -> None:
    """Delete the figures of the workers of an earlier run."""
    for file in folder.glob("*.db"):
        file.unlink()
