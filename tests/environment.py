"""A pytest plugin that comes before Django's settings: every run has its own VAR_DIR and secrets, and its own servers.

`--external` runs the same tests on a real PostgreSQL and a Redis server that is not the embedded one, both started
here on this machine and ended with the run. With `-n 3` each of the three processes has all of this for itself.
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
    # A shell lets what runs in its background ignore Ctrl-C, and all that the tests start would ignore it too.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A setting that leaks in from the developer's shell would make the tests say something else than they do elsewhere.
# Every setting stands in this file, as tests/test_settings.py holds.
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
"""They begin first, so that at the end no process waits for another one that has a long file left."""

# Within that of the run which started this one, if any, so that it goes with it.
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
    # How long an example takes says more of what else the machine does than of the code.
    hypothesis.settings.register_profile("statsapi", deadline=None)
    hypothesis.settings.load_profile("statsapi")
    # On a busy machine Redis may be late here; the services that tests start have their own, shorter patience.
    settings.TSDB_TIMEOUT = 5.0
    caches.settings["default"]["OPTIONS"].update(SOCKET_TIMEOUT=5.0, SOCKET_CONNECT_TIMEOUT=5.0)
    if connection.vendor == "sqlite":
        # A database in memory is never closed by the threads of a test, and knows neither WAL nor waiting for a lock.
        connection.settings_dict["TEST"]["NAME"] = str(_FOLDER / "tests.sqlite3")
    config.addinivalue_line(
        "markers", "once: says nothing about the stores; --external leaves it out"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("external"):
        again = [item for item in items if item.get_closest_marker("once")]
        items[:] = [item for item in items if item not in again]
        config.hook.pytest_deselected(items=again)
    items.sort(key=lambda item: item.path.name not in LONGEST)


def only_hands_out_the_tests(config: pytest.Config) -> bool:
    """True in the first process of `-n 3`, which starts the three that run them."""
    several = getattr(config.known_args_namespace, "numprocesses", None)
    return bool(several) and "PYTEST_XDIST_WORKER" not in os.environ
