"""Programs that send with a client: run to their end, and what they put on the wire."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

SCENARIOS = Path(__file__).parent / "scenarios"


def run(*command: str, **environment: str) -> str:
    """What the program printed; it ends well within a minute. The run's own settings are not handed to it."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        command, env={**kept, **environment}, capture_output=True, text=True, timeout=60, check=False, cwd="/"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
