"""The clients for JavaScript, and axe-core for pages, as npm installs them.

All versions together are 80 000 files, and npm needs a minute for them. So they lie in the user's cache, in a folder
for each content of package-lock.json, and `node_modules` beside this file is a link to it: another clone, or the next
run of CI on the same machine, finds them there.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from pathlib import Path

from tests.clients.cache import installed
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
    """Let node_modules be what package-lock.json lists, and install that unless it is in the cache. Raises Missing."""
    node()
    with installed(f"node-{platform.machine()}", FOLDER / "package-lock.json", _with_npm) as folder:
        modules = folder / "node_modules"
        if not MODULES.is_symlink() or MODULES.readlink() != modules:
            if MODULES.is_symlink():
                MODULES.unlink()
            elif MODULES.is_dir():
                shutil.rmtree(MODULES)
            MODULES.symlink_to(modules)


def _with_npm(folder: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(FOLDER / name, folder)
    # No package has to run a script of its own: what is a program comes as an optional package for each platform.
    command = ["npm", "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"]
    npm = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if npm.returncode:
        raise Missing(f"npm could not install the clients: {npm.stderr.strip()[-500:]}")
