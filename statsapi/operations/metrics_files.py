"""The files by which the workers of a server tell each other what they measured."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def use(folder: Path) -> None:
    """Let prometheus_client keep its figures in the folder; it reads the variable when it is first imported."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ[VARIABLE] = str(folder)


def delete(folder: Path) -> None:
    """Delete the figures that the workers of an earlier run left."""
    for file in folder.glob("*.db"):
        file.unlink()
