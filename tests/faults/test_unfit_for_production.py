"""Starts that are not fit for production: every server refuses them and names what is wrong.

See docs/reliability.md#unfit-for-production.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import servers

pytestmark = pytest.mark.once
PRODUCTION = {
    "SECRET_KEY": "a-key-of-the-tests-0123456789-abcdefghijklmnopqrstuvwxyz",
    "PUBLIC_URL": "https://stats.example.com",
    **dict.fromkeys(("DATABASE_URL", "TSDB_URL", "CACHE_URL", "DEBUG"), ""),
}
SERVERS = {
    "the container's start": ["-m", "statsapi.start.container"],
    "granian": ["-m", "granian", "--interface", "asginl", "--http", "1", "statsapi.asgi:application"],
    "uvicorn": ["-m", "uvicorn", "statsapi.asgi:application"],
}


def python(folder: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """Run Python with production settings, unless others are given. Return the exit status and the output."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=servers.ROOT,
        env={**os.environ, **PRODUCTION, "VAR_DIR": str(folder), "PORT": str(servers.free_port()), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout


def test_the_check_for_deployment_has_nothing_to_say_of_production_settings(tmp_path: Path) -> None:
    options = ["check", "--deploy", "--fail-level", "WARNING", "--database", "default"]
    assert python(tmp_path, "manage.py", *options) == (0, "System check identified no issues (2 silenced).\n")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SECRET_KEY", "too-short", "security.W009"),
        ("DEBUG", "1", "security.W018"),
        ("PUBLIC_URL", "http://stats.example.com", "statsapi.W003"),
    ],
)
def test_the_check_for_deployment_names_what_is_not_fit(tmp_path: Path, name: str, value: str, says: str) -> None:
    status, output = python(tmp_path, "manage.py", "check", "--deploy", "--fail-level", "WARNING", **{name: value})
    assert status == 1
    assert says in output


@pytest.mark.parametrize("server", SERVERS)
def test_no_server_starts_without_a_secret_key(tmp_path: Path, server: str) -> None:
    status, output = python(tmp_path, *SERVERS[server], SECRET_KEY="")
    assert status
    assert "SECRET_KEY is not set" in output
