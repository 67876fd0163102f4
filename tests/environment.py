"""A pytest plugin that comes before Django's settings: every run has its own VAR_DIR and secrets, and its own servers.

`--external` runs the same tests on a real PostgreSQL and a Redis server that is not the embedded one, both started
here on this machine and ended with the run.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.servers import Missing, external_servers

# A setting that leaks in from the developer's shell would make the tests say something else than they do elsewhere.
for _name in (
    "DATABASE_URL",
    "TSDB_URL",
    "CACHE_URL",
    "TSDB_ROLLUPS",
    "PUBLIC_URL",
    "ALLOWED_HOSTS",
    "DEBUG",
    "PORT",
):
    os.environ.pop(_name, None)
_VAR_DIR = Path(tempfile.mkdtemp(prefix="statsapi-tests-"))
os.environ["VAR_DIR"] = str(_VAR_DIR / "var")
os.environ["SECRET_KEY"] = "only-for-tests-0123456789-0123456789-0123456789-0123456789"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--external", action="store_true", help="run on PostgreSQL and a Redis server")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    if early_config.known_args_namespace.external:
        try:
            os.environ.update(external_servers(_VAR_DIR, early_config.add_cleanup))
        except Missing as missing:
            raise pytest.UsageError(str(missing)) from missing
    early_config.add_cleanup(lambda: shutil.rmtree(_VAR_DIR, ignore_errors=True))
