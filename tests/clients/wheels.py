"""Python clients that cannot share the virtual environment: pip installs each into a folder of its own, once.

What a folder has is said by a requirements file, `tests/clients/python/<name>.txt`, which `make lock` writes from
`<name>.in`.
"""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.clients.cache import installed
from tests.clients.programs import run
from tests.servers import Missing

FOLDER = Path(__file__).parent / "python"

Python = Callable[..., str]
"""What runs a program with these arguments and environment variables, and returns its output."""


def install(name: str) -> Path:
    """Install what `<name>.txt` lists, unless it is in the cache, and return the folder. Raises Missing."""
    requirements = FOLDER / f"{name}.txt"

    def with_pip(folder: Path) -> None:
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

    fits = f"{sys.implementation.cache_tag}-{platform.machine()}"
    with installed(f"{name}-{fits}", requirements, with_pip) as folder:
        return folder


def python(folder: Path | None = None) -> Python:
    """Return a function that runs Python with what is in the folder, or in the virtual environment.

    With a folder it has that and the standard library alone.
    """
    if folder is None:
        return partial(run, sys.executable)
    return partial(run, sys.executable, "-S", PYTHONPATH=str(folder))
