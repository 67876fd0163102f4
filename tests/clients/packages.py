"""The clients for JavaScript, and axe-core for pages, as npm installs them.

All versions together are 80 000 files, and npm needs a minute for them. So they lie in the user's cache, in a folder
for each content of package-lock.json, and `node_modules` beside this file is a link to it: another clone, or the next
run of CI on the same machine, finds them there.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import time
from pathlib import Path

from tests.servers import Missing

FOLDER = Path(__file__).parent
MODULES = FOLDER / "node_modules"
OLDEST_NODE = (20, 19)  # as package.json of @sentry/node says
KEPT = 14 * 86400
"""Seconds for which a folder stays in the cache after its last use."""


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
    """Let node_modules be what package-lock.json lists, and install that unless it is in the cache. Raises Missing."""
    node()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "statsapi-tests"
    cache.mkdir(parents=True, exist_ok=True)
    wanted = cache / f"node-{platform.machine()}-{_digest()}"
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # only one of several test processes installs
        if not wanted.is_dir():
            _remove_unused(cache)
            _install(wanted)
        os.utime(wanted)
        if not MODULES.is_symlink() or MODULES.readlink() != wanted / "node_modules":
            _remove(MODULES)
            MODULES.symlink_to(wanted / "node_modules")


def _digest() -> str:
    return hashlib.sha256((FOLDER / "package-lock.json").read_bytes()).hexdigest()[:16]


def _install(wanted: Path) -> None:
    """Make the folder `wanted`, all at once, so that one that is there is complete."""
    made = wanted.with_name("installing")
    _remove(made)
    made.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(FOLDER / name, made)
    # No package has to run a script of its own: what is a program comes as an optional package for each platform.
    command = ["npm", "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"]
    npm = subprocess.run(command, cwd=made, capture_output=True, text=True, check=False)
    if npm.returncode:
        raise Missing(f"npm could not install the clients: {npm.stderr.strip()[-500:]}")
    made.rename(wanted)


def _remove_unused(cache: Path) -> None:
    for folder in cache.glob("node-*"):
        if folder.stat().st_mtime < time.time() - KEPT:
            _remove(folder)


def _remove(path: Path) -> None:
    if path.is_symlink():
        path.unlink()
    elif path.is_dir():
        shutil.rmtree(path)
