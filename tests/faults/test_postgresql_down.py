"""PostgreSQL that is down: 503 in JSON, no traceback, and the service recovers by itself.

See docs/reliability.md#postgresql-down.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.faults.stage import RedisServer, open_folder, refuses_for_now
from tests.servers import Missing, start_postgresql
from tests.service import Answer, Service


class Database:
    """A PostgreSQL server that can be started again with its port and its data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server, self.url = start_postgresql(folder)

    def start(self) -> None:
        port = int(self.url.rpartition(":")[2].partition("/")[0])
        self.server, _ = start_postgresql(self.folder, port=port)

    def stop(self) -> None:
        self.server.stop()


class OnPostgreSQL(NamedTuple):
    database: Database
    redis: RedisServer
    service: Service

    def forget(self) -> None:
        """Make the workers load anew what they know."""
        self.redis.forget_known()


@pytest.fixture(scope="module")
def on_postgresql(own_redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnPostgreSQL]:
    with open_folder() as folder:
        try:
            database = Database(folder / "postgresql")
        except Missing as missing:
            pytest.skip(str(missing))
        with own_redis.client() as client:
            client.flushall()
        url = f"redis://127.0.0.1:{own_redis.port}"
        settings = {"DATABASE_URL": database.url, "TSDB_URL": f"{url}/0", "CACHE_URL": f"{url}/1"}
        service = Service(tmp_path_factory.mktemp("service"), **settings)
        yield OnPostgreSQL(database, own_redis, service)
        service.stop()
        database.stop()


def end_of_log(service: Service) -> str:
    return service.log.read_text()[-3000:]


def test_it_answers_503_in_json_and_comes_back_by_itself(on_postgresql: OnPostgreSQL) -> None:
    service = on_postgresql.service
    for _ in range(8):  # until every thread of the server has a connection
        on_postgresql.forget()
        assert service.count().status == 201, end_of_log(service)
    before = service.log.stat().st_size

    on_postgresql.database.stop()
    on_postgresql.forget()
    for answer in (
        service.stats(),
        service.count(),
        service.ask("GET", "/api/0/projects/acme/nothing/stats/"),
        service.stats(stat="generated", environment="nothing"),
    ):
        assert refuses_for_now(answer), answer
    said = service.log.read_bytes()[before:].decode()
    assert "OperationalError" in said
    assert "Traceback" not in said

    on_postgresql.database.start()
    for _ in range(8):
        on_postgresql.forget()
        assert service.stats().status == 200, end_of_log(service)
    assert service.count().status == 201, end_of_log(service)
    assert service.counted() == 9


def test_it_is_not_ready_but_alive_and_what_is_known_is_served(on_postgresql: OnPostgreSQL) -> None:
    service = on_postgresql.service
    assert service.count().status == 201
    counted = service.counted()
    on_postgresql.database.stop()

    def only_the_database_failed(ready: Answer) -> bool:
        return ready.status == 503 and list(ready.json()["failed"]) == ["database"]

    service.wait_for_ready(only_the_database_failed, "the database alone has failed")
    assert service.ask("GET", "/healthz", authorization="").status == 200
    assert service.count().status == 201
    assert service.counted() == counted + 1
    on_postgresql.database.start()
    service.wait_for_ready(lambda ready: ready.status == 200, "all is well")


def test_a_session_is_refused_for_now_and_not_taken_for_nobody(on_postgresql: OnPostgreSQL) -> None:
    service = on_postgresql.service
    session = service.run("""
from importlib import import_module
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
user = User.objects.create_user("owner")
services.add_member(organization=acme, user_id=user.pk, role="owner")
user.refresh_from_db()
session = import_module(settings.SESSION_ENGINE).SessionStore()
session[SESSION_KEY], session[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[-1]
session.save()
answer = session.session_key
""")
    cookie = {"cookie": f"sessionid={session}", "authorization": ""}
    path = "/api/0/projects/acme/web/stats/"
    assert service.ask("GET", path, **cookie).status == 200
    on_postgresql.database.stop()
    on_postgresql.forget()
    answer = service.ask("GET", path, **cookie)
    assert refuses_for_now(answer), answer
    on_postgresql.database.start()
    assert service.ask("GET", path, **cookie).status == 200
