"""A pytest plugin that prepares the environment before Django reads its settings.

Every run has its own VAR_DIR, secrets and servers. `--external` runs the same tests on PostgreSQL and on a Redis server
that is not the embedded one. This plugin starts both and ends them with the run. With `-n 3` each of the three
processes has its own servers.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import tempfile
from pathlib import Path

import hypothesis
import pytest
from django.conf import settings
from django.core.cache import caches
from django.db import connection

from tests.servers import ROOT, Missing, external_servers

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell makes its background processes ignore Ctrl-C, and everything that the tests start would ignore it too.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A setting from the developer's shell would change the results of the tests. This file lists every setting, which
# tests/test_settings.py checks.
for _name in re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE):
    os.environ.pop(_name, None)
LONGEST = {
    "test_cluster.py",
    "test_containers.py",
    "test_cold_start.py",
    "test_health.py",
    "test_make.py",
    "test_merge.py",
    "test_local.py",
    "test_schemathesis.py",
    "test_sentry_cli.py",
}
"""Test files that start first, so that at the end no process is left alone with a long file."""

# If another test run started this one, the folder lies in that run's folder and is removed with it.
_FOLDER = Path(tempfile.mkdtemp(prefix="statsapi-tests-", dir=os.environ.get("STATSAPI_TESTS_FOLDER")))
_FOLDER.chmod(0o755)  # PostgreSQL runs as another user
os.environ.setdefault("STATSAPI_TESTS_FOLDER", str(_FOLDER))
os.environ["VAR_DIR"] = str(_FOLDER / "var")
os.environ["SECRET_KEY"] = "only-for-tests-0123456789-0123456789-0123456789-0123456789"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--external", action="store_true", help="run on PostgreSQL and a Redis server")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    early_config.add_cleanup(lambda: shutil.rmtree(_FOLDER, ignore_errors=True))
    if not early_config.known_args_namespace.external or only_hands_out_the_tests(early_config):
        return
    try:
        os.environ.update(external_servers(_FOLDER, early_config.add_cleanup))
    except Missing as missing:
        raise pytest.UsageError(str(missing)) from missing


def pytest_configure(config: pytest.Config) -> None:
    # The time of one example depends more on the load of the machine than on the code.
    hypothesis.settings.register_profile("statsapi", deadline=None)
    hypothesis.settings.load_profile("statsapi")
    # On a busy machine Redis may be late. The services that tests start have their own, shorter time-outs.
    settings.TSDB_TIMEOUT = 5.0
    caches.settings["default"]["OPTIONS"].update(SOCKET_TIMEOUT=5.0, SOCKET_CONNECT_TIMEOUT=5.0)
    if connection.vendor == "sqlite":
        # A database in memory stays open in the threads of a test, and has neither WAL nor a wait for locks.
        connection.settings_dict["TEST"]["NAME"] = str(_FOLDER / "tests.sqlite3")
    config.addinivalue_line("markers", "once: says nothing about the stores; --external leaves it out")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("external"):
        again = [item for item in items if item.get_closest_marker("once")]
        items[:] = [item for item in items if item not in again]
        config.hook.pytest_deselected(items=again)
    items.sort(key=lambda item: item.path.name not in LONGEST)


def only_hands_out_the_tests(config: pytest.Config) -> bool:
    """Return whether this is the first process of `-n 3`, which runs no tests itself."""
    several = getattr(config.known_args_namespace, "numprocesses", None)
    return bool(several) and "PYTEST_XDIST_WORKER" not in os.environ
