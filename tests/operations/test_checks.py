"""The project's own system checks: each names what is wrong by its id, and says what to do.

For statsapi.W001 see docs/reliability.md#redis-evicts.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.core.checks import CheckMessage, run_checks

from projects import services
from projects.models import Project
from statsapi.operations.checks import PRINTED_ONLY, every_budget_is_enforced
from tests import servers
from tests.service import PATIENT
from tsdb.rollups import Rollup, parse_rollups

KEY = "a-key-of-the-tests-0123456789-abcdefghijklmnopqrstuvwxyz"


def ids(messages: list[CheckMessage]) -> list[str | None]:
    assert all(message.hint for message in messages)
    return [message.id for message in messages]


class Manage:
    """Run `manage.py check` in a process of its own, with a Redis server of its own."""

    def __init__(self, folder: Path) -> None:
        self.server, self.port = servers.start_redis(folder, "--maxmemory", "100mb")
        self.folder = folder

    def check(self, *options: str, **variables: str) -> tuple[int, str]:
        given = {
            "SECRET_KEY": KEY,
            "VAR_DIR": str(self.folder / "var"),
            "DATABASE_URL": f"sqlite:///{self.folder}/statsapi.sqlite3",
            "TSDB_URL": f"redis://127.0.0.1:{self.port}/0",
            "CACHE_URL": f"redis://127.0.0.1:{self.port}/1",
            **PATIENT,
            **variables,
        }
        done = subprocess.run(
            [sys.executable, "manage.py", "check", "--fail-level", "WARNING", *options],
            cwd=servers.ROOT,
            env={**os.environ, **given},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def set_policy(self, policy: str) -> None:
        with redis.Redis(port=self.port) as client:
            client.config_set("maxmemory-policy", policy)


@pytest.fixture(scope="module")
def manage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manage]:
    try:
        manage = Manage(tmp_path_factory.mktemp("checks"))
    except servers.Missing as missing:
        pytest.skip(str(missing))
    yield manage
    manage.server.stop()


def test_nothing_is_said_of_what_is_right() -> None:
    assert run_checks() == []


@pytest.mark.parametrize(
    "rollups",
    [
        (),
        (Rollup(3600, 168), Rollup(10, 360)),
        (Rollup(10, 360), Rollup(25, 360)),
        (Rollup(10, 360), Rollup(3600, 1)),
        (Rollup(10, 0),),
    ],
)
def test_rollups_that_break_a_rule_are_e001(rollups: tuple[Rollup, ...], settings: Any) -> None:
    settings.TSDB_ROLLUPS = rollups
    assert ids(run_checks()) == ["statsapi.E001"]


def test_broken_rollups_are_named_alone_by_checks_that_ask_redis_too(manage: Manage) -> None:
    status, output = manage.check("--database", "default", TSDB_ROLLUPS="10s:360,7s:5")
    assert (status, output.count("statsapi.")) == (1, 1)
    assert "statsapi.E001" in output
    assert "Traceback" not in output


def test_days_of_another_zone_than_utc_are_e002(settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    assert ids(run_checks()) == ["statsapi.E002"]
    settings.TIME_ZONE, settings.USE_TZ = "UTC", False
    assert ids(run_checks()) == ["statsapi.E002"]


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
def test_a_redis_that_evicts_is_w001(manage: Manage, policy: str) -> None:
    manage.set_policy(policy)
    status, output = manage.check("--database", "default")
    assert status == 1
    assert "statsapi.W001" in output
    assert policy in output
    manage.set_policy("noeviction")
    assert manage.check("--database", "default") == (0, "System check identified no issues (0 silenced).\n")


def test_a_redis_that_cannot_be_asked_is_w002(manage: Manage) -> None:
    status, output = manage.check("--database", "default", TSDB_URL=f"redis://127.0.0.1:{servers.free_port()}/0")
    assert status == 1
    assert "statsapi.W002" in output
    assert "Traceback" not in output


def test_a_redis_that_keeps_its_settings_to_itself_is_w002_with_what_to_do(manage: Manage) -> None:
    with redis.Redis(port=manage.port) as client:
        client.execute_command("ACL", "SETUSER", "default", "-info")
        try:
            status, output = manage.check("--database", "default")
        finally:
            client.execute_command("ACL", "SETUSER", "default", "+@all")
    assert status == 1
    assert "Allow its user the command INFO" in output


@pytest.fixture
def followed(manage: Manage, tmp_path: Path) -> Iterator[Manage]:
    """`manage.py check` with a Redis that has a replica."""
    replica, _ = servers.start_redis(tmp_path / "replica", "--replicaof", f"127.0.0.1 {manage.port}")
    with redis.Redis(port=manage.port) as client:
        servers.wait_for(lambda: client.info("replication")["connected_slaves"] == 1, "a replica")
        yield manage
        replica.stop()
        servers.wait_for(lambda: client.info("replication")["connected_slaves"] == 0, "no replica")
        client.config_set("min-replicas-to-write", 0)


@pytest.mark.once
def test_a_redis_that_does_not_wait_for_its_replicas_is_w006(followed: Manage) -> None:
    status, output = followed.check("--database", "default")
    assert status == 1
    assert "statsapi.W006" in output
    assert "min-replicas-to-write 0" in output
    with redis.Redis(port=followed.port) as client:
        client.config_set("min-replicas-to-write", 1, "min-replicas-max-lag", 1)
    assert followed.check("--database", "default") == (0, "System check identified no issues (0 silenced).\n")


@pytest.mark.once
def test_w006_is_told_at_a_production_start_and_does_not_end_it(followed: Manage, tmp_path: Path) -> None:
    stores = {"TSDB_URL": f"redis://127.0.0.1:{followed.port}/0", "CACHE_URL": f"redis://127.0.0.1:{followed.port}/1"}
    service, _ = servers.start_production(tmp_path / "service", SECRET_KEY=KEY, DATABASE_URL="", **stores)
    service.stop()
    assert service.log.read_text().count("min-replicas-to-write 0") == 1


@pytest.mark.django_db
def test_a_budget_that_no_rollup_makes_up_is_w007_and_ends_no_start(project: Project, settings: Any) -> None:
    services.create_budget(project, category="error", limit=1, window=60)
    services.create_budget(project, category="error", limit=1, window=600)
    assert every_budget_is_enforced(databases=["default"]) == []
    settings.TSDB_ROLLUPS = parse_rollups("5m:300,1h:768,1d:400")
    [warning] = found = every_budget_is_enforced(databases=["default"])
    assert ids(found) == ["statsapi.W007"]
    assert "these budgets are not enforced (acme/web: error, 1 minute)" in warning.msg
    assert every_budget_is_enforced() == []
    assert warning.id in PRINTED_ONLY


@pytest.mark.django_db
def test_many_budgets_without_a_rollup_are_counted_and_not_all_named(project: Project, settings: Any) -> None:
    for category in ("error", "span", "session", "transaction", "replay"):
        services.create_budget(project, category=category, limit=1, window=0)
    settings.TSDB_ROLLUPS = parse_rollups("10s:360")
    [warning] = every_budget_is_enforced(databases=["default"])
    assert "(acme/web: error, a month; acme/web: span, a month; acme/web: session, a month and 2 more)" in warning.msg


def test_redis_is_asked_only_where_databases_are(manage: Manage) -> None:
    assert manage.check(TSDB_URL=f"redis://127.0.0.1:{servers.free_port()}/0")[0] == 0


def test_a_public_address_without_https_is_w003_in_production(manage: Manage) -> None:
    status, output = manage.check("--deploy", PUBLIC_URL="http://stats.example.com")
    assert status == 1
    assert "statsapi.W003" in output
    assert manage.check(PUBLIC_URL="http://stats.example.com")[0] == 0


def test_rollups_of_the_environment_are_checked_and_no_server_starts_with_wrong_ones(manage: Manage) -> None:
    wrong = "1h:168,10s:360"
    status, output = manage.check(TSDB_ROLLUPS=wrong)
    assert status == 1
    assert "statsapi.E001" in output
    assert "Traceback" not in output
    variables = {**os.environ, "SECRET_KEY": KEY, "VAR_DIR": str(manage.folder), "TSDB_ROLLUPS": wrong}
    server = subprocess.run(
        [sys.executable, "-c", "import statsapi.asgi"],
        cwd=servers.ROOT,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert server.returncode == 1
    assert "RollupError" in server.stderr


def test_a_value_that_is_not_understood_is_one_line_to_every_command(manage: Manage) -> None:
    assert manage.check(PORT="http") == (
        1,
        "A setting is wrong: PORT must be an integer from 1 to 65535, not 'http'.\n",
    )
