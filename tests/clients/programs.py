"""Programs that send with an SDK."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

SCENARIOS = Path(__file__).parent / "scenarios"


def run(*command: str, **environment: str) -> str:
    """Run a program without the settings of this test run, and return its output.

    It has five minutes: without a cache Go builds all that a program needs, and the machine may be busy.
    """
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        command, env={**kept, **environment}, capture_output=True, text=True, timeout=300, check=False, cwd="/"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
