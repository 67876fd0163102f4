"""/healthz and /readyz of a running service whose servers stop, hang and come back.

The service waits 30 s for Redis, far longer than the requests here wait. So an answer proves that /readyz does not wait
for Redis.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest
import redis
from django.test import Client

from statsapi import __version__
from statsapi.operations import health
from tests import servers
from tsdb import pairing

PROMISES = ("reads", "counting", "managing")

PATIENCE = 5
"""Seconds that a question may take at most."""


class House:
    """A service with a PostgreSQL and a Redis of its own."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        folder.chmod(0o755)  # PostgreSQL runs as another user
        self.folder = folder
        self.postgresql, database_url = servers.start_postgresql(folder / "postgresql")
        stack.callback(lambda: self.postgresql.stop())
        self.redis, self.redis_port = servers.start_redis(folder / "redis")
        stack.callback(lambda: self.redis.stop())
        self.postgresql_port = urlsplit(database_url).port
        self.settings = {
            "SECRET_KEY": "a-key-of-the-tests-0123456789-abcdefghijklmnopqrstuvwxyz",
            "DATABASE_URL": database_url,
            "TSDB_URL": f"redis://127.0.0.1:{self.redis_port}/0",
            "CACHE_URL": f"redis://127.0.0.1:{self.redis_port}/1",
            "TSDB_TIMEOUT": "30",
            "API_RATE_LIMIT": "1000000/60",  # so that the cache is needed
        }
        web, self.url = servers.start_production(folder / "web", **self.settings)
        stack.callback(web.stop)

    def manage(self, *arguments: str) -> str:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=servers.ROOT,
            env={**os.environ, **self.settings, "VAR_DIR": str(self.folder / "manage")},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def client(self, database: int = 0) -> redis.Redis:
        return redis.Redis(port=self.redis_port, db=database, socket_timeout=PATIENCE)

    def start_redis(self) -> None:
        self.redis, _ = servers.start_redis(self.folder / "redis", port=self.redis_port)

    def start_postgresql(self) -> None:
        self.postgresql, _ = servers.start_postgresql(self.folder / "postgresql", port=self.postgresql_port)

    def ready(self) -> tuple[int, dict[str, Any]]:
        """Return what /readyz says when every part answers in time. On a busy machine one may be late now and then."""
        answer = self.ask(lambda answer: health.SILENT.encode() not in answer.body)
        assert answer.headers["Content-Type"] == "application/json"
        return answer.status, json.loads(answer.body)

    def is_ready(self) -> bool:
        return servers.answers(self.url, "/readyz")

    def failed(self, *hung: str) -> dict[str, str]:
        """Return what has failed, as /readyz says when no part is late but those that hang."""
        answer = self.ask(lambda answer: late(json.loads(answer.body)) == set(hung))
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "1"
        body = json.loads(answer.body)
        assert body["status"] == "unavailable"
        assert not any(body[one]["works"] or not body[one]["why"] for one in PROMISES)
        return dict(body["failed"])

    def ask(self, is_it: Callable[[servers.Answer], bool], path: str = "/readyz") -> servers.Answer:
        """Ask until the answer is the one that a test wants."""
        asked = []

        def ask() -> bool:
            asked.append(servers.ask(self.url, path, seconds=PATIENCE))
            return is_it(asked[-1])

        servers.wait_for(ask, "an answer in which no part is late that does not hang")
        return asked[-1]

    def status_of(self, promise: str) -> int:
        return self.ask(lambda answer: health.SILENT.encode() not in answer.body, f"/readyz/{promise}").status

    def is_alive(self) -> bool:
        answer = servers.ask(self.url, "/healthz", seconds=PATIENCE)
        return (answer.status, json.loads(answer.body)) == (200, {"status": "ok", "version": __version__})


def late(body: dict[str, Any]) -> set[str]:
    """Return the parts that did not answer in time."""
    silent = {name for name, text in body["failed"].items() if text == health.SILENT}
    return silent | {"stores" for warning in body["warnings"] if health.SILENT in warning}


@pytest.fixture(scope="module")
def running() -> Iterator[House]:
    with tempfile.TemporaryDirectory(prefix="statsapi-health-") as name, ExitStack() as stack:
        try:
            house = House(Path(name), stack)
        except servers.Missing as missing:
            pytest.skip(str(missing))
        yield house


@pytest.fixture
def house(running: House) -> House:
    """Return the running house when it is ready again after the previous test."""
    servers.wait_for(running.is_ready, "that all is well")
    return running


def test_all_is_well(house: House) -> None:
    assert house.is_alive()
    kept = {"works": True, "why": []}
    promises = dict.fromkeys(PROMISES, kept)
    assert house.ready() == (200, {"status": "ok", **promises, "failed": {}, "warnings": []})
    assert [house.status_of(one) for one in PROMISES] == [200, 200, 200]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_it_is_asked_by_anybody_over_http_and_never_redirects(house: House, path: str) -> None:
    answer = house.ask(lambda answer: health.SILENT.encode() not in answer.body, path)
    assert answer.status == 200
    assert "Location" not in answer.headers


def test_readiness_is_not_kept_by_a_cache_on_the_way(house: House) -> None:
    assert "no-store" in servers.ask(house.url, "/readyz").headers["Cache-Control"]


def test_it_names_a_redis_that_is_down_and_recovers(house: House) -> None:
    house.redis.stop()
    try:
        assert set(house.failed()) == {"redis", "cache"}
        assert house.is_alive()
    finally:
        house.start_redis()
    servers.wait_for(house.is_ready, "the recovery")


def test_it_names_a_redis_that_hangs_without_waiting_for_it(house: House) -> None:
    house.redis.pause()
    try:
        for _ in range(3):
            assert house.failed("redis", "cache") == dict.fromkeys(("redis", "cache"), "no answer in 0.2 s")
        assert house.is_alive()
    finally:
        house.redis.resume()
    servers.wait_for(house.is_ready, "the recovery")


def test_it_names_a_postgresql_that_is_down_and_recovers(house: House) -> None:
    house.postgresql.stop()
    try:
        assert house.failed() == {"database": "OperationalError"}
        assert house.is_alive()
    finally:
        house.start_postgresql()
    servers.wait_for(house.is_ready, "the recovery")


def test_it_names_a_postgresql_that_hangs_without_waiting_for_it(house: House) -> None:
    house.postgresql.pause()
    try:
        assert house.failed("database") == {"database": "no answer in 0.2 s"}
        assert house.is_alive()
    finally:
        house.postgresql.resume()
    servers.wait_for(house.is_ready, "the recovery")


def test_it_lives_while_everything_behind_it_hangs(house: House) -> None:
    house.redis.pause()
    house.postgresql.pause()
    try:
        assert set(house.failed("database", "redis", "cache")) == {"database", "redis", "cache"}
        assert all(house.is_alive() for _ in range(20))
    finally:
        house.redis.resume()
        house.postgresql.resume()


def test_it_warns_of_a_redis_that_evicts_counts(house: House) -> None:
    with house.client() as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            status, body = house.ready()
        finally:
            client.config_set("maxmemory-policy", "noeviction")
    assert status == 200
    assert body["warnings"] == ["Redis evicts counts (maxmemory-policy allkeys-lru); set it to noeviction"]


def test_a_redis_that_does_not_let_itself_be_asked_is_no_reason_not_to_serve(house: House) -> None:
    with house.client() as client:
        client.execute_command("ACL", "SETUSER", "default", "-info", "-config")
        try:
            status, body = house.ready()
        finally:
            client.execute_command("ACL", "SETUSER", "default", "+@all")
    assert (status, body["status"], body["failed"]) == (200, "ok", {})
    assert body["warnings"] == ["Redis does not say whether it evicts counts; allow its user the command INFO"]


def test_it_warns_of_a_redis_that_is_a_replica(house: House) -> None:
    with house.client() as client:
        client.replicaof("127.0.0.1", str(servers.free_port()))
        try:
            status, body = house.ready()
            statuses = [house.status_of(one) for one in PROMISES]
        finally:
            client.replicaof("NO", "ONE")
    assert (status, body["status"]) == (200, "degraded")
    assert statuses == [200, 503, 503]
    assert [body[one]["works"] for one in PROMISES] == [True, False, False]
    assert body["warnings"] == [
        "Redis takes no counts (READONLY: it is a replica); events are answered 503",
        "the cache takes no writes (READONLY: it is a replica); API_RATE_LIMIT limits nobody",
    ]


def test_a_replica_that_does_not_even_answer_reads_is_named(house: House) -> None:
    with house.client() as client:
        client.config_set("replica-serve-stale-data", "no")
        client.replicaof("127.0.0.1", str(servers.free_port()))
        try:
            assert "MasterDownError" in house.failed()["redis"]
        finally:
            client.replicaof("NO", "ONE")
            client.config_set("replica-serve-stale-data", "yes")


def test_it_warns_of_a_redis_that_is_full_or_has_too_few_replicas(house: House) -> None:
    for setting, value, code in (("maxmemory", 1, "OOM"), ("min-replicas-to-write", 1, "NOREPLICAS")):
        with house.client() as client:
            client.config_set(setting, value)
            try:
                status, body = house.ready()
            finally:
                client.config_set(setting, 0)
        assert (status, body["status"]) == (200, "degraded")
        # A full Redis still deletes keys, which is all that managing needs.
        assert [body[one]["works"] for one in PROMISES] == [True, False, code == "OOM"]
        assert [code in warning for warning in body["warnings"]] == [True, True]


# --- the stores know each other: docs/reliability.md#database-lost, docs/reliability.md#redis-emptied ---


def test_a_redis_of_another_installation_is_not_ready_and_named(house: House) -> None:
    with house.client() as client:
        own = client.hget(pairing.KEY, "name")
        client.hset(pairing.KEY, "name", "f" * 32)
        try:
            said = "The database and Redis do not belong together: Redis holds the counts of another installation."
            assert house.failed() == {"stores": said}
            with pytest.raises(servers.ServerDied, match=r"statsapi\.E003"):
                servers.start_production(house.folder / "second", **house.settings)
        finally:
            client.hset(pairing.KEY, "name", own)
    servers.wait_for(house.is_ready, "the recovery")


def test_a_new_database_beside_an_old_redis_does_not_start_and_says_the_way_out(house: House) -> None:
    lost = {**house.settings, "DATABASE_URL": f"sqlite:///{house.folder}/new.sqlite3"}
    with pytest.raises(servers.ServerDied, match="Redis holds the counts of another installation") as died:
        servers.start_production(house.folder / "second", **lost)
    assert "manage.py pair_stores" in str(died.value)
    assert "Traceback" not in str(died.value)


def test_stores_that_cannot_be_compared_are_no_reason_not_to_serve(house: House) -> None:
    session = psycopg2.connect(house.settings["DATABASE_URL"])
    session.cursor().execute("LOCK TABLE projects_installation IN ACCESS EXCLUSIVE MODE")
    try:
        answer = house.ask(lambda answer: late(json.loads(answer.body)) == {"stores"})
    finally:
        session.close()
    said = "whether the database and Redis belong together cannot be said: no answer in 0.2 s"
    assert (answer.status, json.loads(answer.body)["warnings"]) == (200, [said])
    servers.wait_for(lambda: house.ready()[1]["warnings"] == [], "the recovery")


def test_it_names_a_budget_that_is_not_enforced(house: House) -> None:
    made = (
        "from projects import services; from projects.models import Budget;"
        "one = services.create_organization(slug='one', name='One');"
        "web = services.create_project(organization=one, slug='web', name='Web');"
        "Budget.objects.create(project=web, category='error', limit=1, window=3660)"
    )
    house.manage("shell", "--no-imports", "-c", made)
    status, body = house.ready()
    assert (status, body["status"], body["counting"]["works"]) == (200, "ok", True)
    [warning] = body["warnings"]
    assert warning.endswith("these budgets are not enforced (one/web: error, 61 minutes)")
    house.manage("shell", "--no-imports", "-c", "from projects.models import Budget; Budget.objects.all().delete()")
    servers.wait_for(lambda: house.ready()[1]["warnings"] == [], "the recovery")


def test_an_emptied_redis_is_noticed_while_it_serves_and_no_reason_not_to_start(house: House) -> None:
    with house.client() as client:
        client.flushall()
    status, body = house.ready()
    assert (status, body["status"]) == (200, "degraded")
    (warning,) = body["warnings"]
    assert warning.startswith("Redis was emptied: what was counted before ")
    assert body["reads"] == {"works": True, "why": [warning]}
    second, url = servers.start_production(house.folder / "second", **house.settings)
    try:
        servers.wait_for(
            lambda: json.loads(servers.ask(url, "/readyz").body)["warnings"] == [warning], "the warning of the second"
        )
        assert f"Warning: {warning}" in second.log.read_text()
    finally:
        second.stop()
    house.manage("pair_stores", "--adopt")
    assert house.ready()[1]["status"] == "ok"


def test_it_says_nothing_of_where_its_servers_are(house: House) -> None:
    house.postgresql.stop()
    try:
        answer = servers.ask(house.url, "/readyz", seconds=PATIENCE)
    finally:
        house.start_postgresql()
    assert b"127.0.0.1" not in answer.body
    assert str(house.postgresql_port).encode() not in answer.body


def test_a_crowd_that_asks_at_once_shares_one_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow() -> list[health.Trouble]:
        time.sleep(0.5)
        return []

    monkeypatch.setattr(health, "PARTS", {"database": slow})
    monkeypatch.setattr(health, "READY_SECONDS", 10.0)  # one after the other would need 15 s
    with ThreadPoolExecutor(30) as crowd:
        asked = [crowd.submit(health._ask_all) for _ in range(30)]
        assert [one.result() for one in asked] == [({}, [])] * 30


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_probe_may_ask_by_address(client: Client, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setattr(health, "READY_SECONDS", 20.0)  # this is not about a part that is late
    monkeypatch.setattr(health, "SERVER_SECONDS", 15.0)
    assert client.get(path, headers={"host": "10.1.2.3"}).status_code == 200


@pytest.mark.parametrize(("path", "leads_to"), [("/", "/login/?next=/"), ("/admin", "/admin/")])
def test_the_root_leads_a_stranger_to_the_login_and_admin_to_the_admin(
    client: Client, path: str, leads_to: str
) -> None:
    response = client.get(path)
    assert (response.status_code, response["Location"]) == (302, leads_to)
