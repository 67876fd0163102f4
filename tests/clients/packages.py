"""The clients for JavaScript, and axe-core for pages: npm installs them once into node_modules beside this file."""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
import subprocess
from pathlib import Path

from tests.servers import Missing

FOLDER = Path(__file__).parent
MODULES = FOLDER / "node_modules"
OLDEST_NODE = (20, 19)  # as package.json of @sentry/node says


def node() -> str:
    """Return the path of Node. Raises Missing if it is absent or too old."""
    program = shutil.which("node")
    if program is None or shutil.which("npm") is None:
        raise Missing("Node is not installed; on Debian: apt-get install nodejs npm")
    said = subprocess.check_output([program, "--version"], text=True).strip()
    version = tuple(map(int, re.findall(r"\d+", said)[:2]))
    if version < OLDEST_NODE:
        needed = ".".join(map(str, OLDEST_NODE))
        raise Missing(f"Node is {said}, Sentry's clients need {needed}; Debian 13 has it: apt-get install nodejs npm")
    return program


def install() -> None:
    """Install what package-lock.json lists, unless it is installed already. Raises Missing."""
    node()
    wanted = hashlib.sha256((FOLDER / "package-lock.json").read_bytes()).hexdigest()
    stamp = MODULES / ".installed"
    with (FOLDER / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # only one of several test processes installs
        if stamp.is_file() and stamp.read_text() == wanted:
            return
        npm = subprocess.run(["npm", "ci"], cwd=FOLDER, capture_output=True, text=True, check=False)
        if npm.returncode:
            raise Missing(f"npm could not install the clients: {npm.stderr.strip()[-500:]}")
        stamp.write_text(wanted)
