"""Python clients that cannot share the virtual environment: pip installs each once into a folder of its own.

A folder is made from a requirements file beside it, `tests/clients/python/<name>.txt`, which `make lock` writes from
`<name>.in`. It is made anew when that file or the Python changes.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.clients.programs import run
from tests.servers import Missing

FOLDER = Path(__file__).parent / "python"
INSTALLED = FOLDER / ".installed"
"""The dot keeps pytest and mypy out of it."""

Python = Callable[..., str]
"""What runs a program with these arguments and environment variables, and returns its output."""


def install(name: str) -> Path:
    """Install what `<name>.txt` lists, unless it is installed already, and return the folder. Raises Missing."""
    requirements, folder = FOLDER / f"{name}.txt", INSTALLED / name
    wanted = f"{sys.version} {hashlib.sha256(requirements.read_bytes()).hexdigest()}"
    stamp = folder / "stamp"
    with requirements.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # only one of several test processes installs
        if stamp.is_file() and stamp.read_text() == wanted:
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        # What is locked is all there is to install, and wheels need no compiler.
        pip = subprocess.run(
            [
                *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
                *("--require-hashes", "--no-deps", "--only-binary", ":all:", "--no-compile"),
                *("--target", folder, "--requirement", requirements),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if pip.returncode:
            raise Missing(f"pip could not install {name}: {pip.stderr.strip()[-500:]}")
        stamp.write_text(wanted)
    return folder


def python(folder: Path | None = None) -> Python:
    """Return a function that runs Python with what is in the folder, or in the virtual environment.

    With a folder it has that and the standard library alone.
    """
    if folder is None:
        return partial(run, sys.executable)
    return partial(run, sys.executable, "-S", PYTHONPATH=str(folder))
