"""A database that takes no changes (as a standby after a failover), that makes everybody wait, or that hangs.

Reads and counting of known projects go on. The rest is 503 within a bound, and /readyz says which.
See docs/reliability.md#read-only-database.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from typing import Any, NamedTuple

import psycopg2
import pytest

from tests.clients.live import IntakeService, event
from tests.faults.stage import fastest, postgresql, refuses_for_now
from tests.servers import ROOT, Server, wait_for
from tests.service import Answer

TIMEOUT = 0.5
BOUND = TIMEOUT + 1.0 + 1.5
"""Most seconds for an answer: the setting, a second for the server to report it, and time for a busy machine."""

PROJECTS = "/api/0/organizations/acme/projects/"

pytestmark = pytest.mark.once


class Stage(NamedTuple):
    postgresql: Server
    url: str
    service: IntakeService

    def execute(self, *statements: str) -> None:
        session = psycopg2.connect(self.url)
        session.autocommit = True
        session.cursor().execute("SET default_transaction_read_only = off")
        for sql in statements:
            session.cursor().execute(sql)
        session.close()

    def forget(self) -> None:
        """Make the workers load anew what they know."""
        self.service.run("from projects.connections import get_store\nget_store().stamps.forget_all()")


@pytest.fixture(scope="module")
def whole_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with postgresql() as (server, url):
        service = IntakeService(tmp_path_factory.mktemp("intake"), DATABASE_URL=url, DATABASE_TIMEOUT=str(TIMEOUT))
        yield Stage(server, url, service)
        service.stop()


@pytest.fixture
def stage(whole_stage: Stage) -> Iterator[Stage]:
    yield whole_stage
    whole_stage.execute("ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()")
    whole_stage.service.wait_for_ready(lambda ready: ready.status == 200, "takes changes", promise="/managing")


@pytest.fixture
def read_only(stage: Stage) -> Stage:
    """Make the database read-only, and wait until the connections of the service are."""
    stage.execute("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
    stage.service.wait_for_ready(lambda ready: b"read-only" in ready.body, "is read-only", promise="/managing")
    return stage


def test_reads_and_counting_of_known_projects_go_on(stage: Stage, request: pytest.FixtureRequest) -> None:
    service, sender = stage.service, stage.service.new_sender()
    assert service.send(sender, event(environment="known")).status == 200
    request.getfixturevalue("read_only")
    stage.forget()  # so that the token is read, and its use cannot be recorded
    assert service.send(sender, event(environment="known")).status == 200
    assert service.stat(sender) == 2
    assert service.ask("GET", PROJECTS).status == 200
    service.restart()
    body = event()  # the same each time: one that was counted and answered 503 on a busy machine is no second event
    wait_for(lambda: service.send(sender, body).status == 200, "a worker that knows nothing")
    assert service.stat(sender) == 3


def test_changes_are_refused_for_now(read_only: Stage) -> None:
    service = read_only.service
    for method, path, body in (
        ("POST", PROJECTS, {"name": "New"}),
        ("PUT", "/api/0/projects/acme/web/", {"name": "Other"}),
        ("DELETE", "/api/0/projects/acme/web/keys/nothing/", None),
        ("POST", "/api/0/projects/acme/web/keys/", {"name": "Other"}),
    ):
        answer = service.ask(method, path, body)
        assert answer.status == 404 or refuses_for_now(answer), answer
        assert answer.status == 404 or "takes no changes" in answer.json()["detail"]


def test_the_pages_say_so_to_a_person(stage: Stage, request: pytest.FixtureRequest) -> None:
    stage.service.run("""
from django.contrib.auth.models import User
User.objects.create_superuser("operator", password="correct horse")
""")
    page = stage.service.ask("GET", "/admin/login/", authorization="")
    cookie = page.headers["set-cookie"].partition(";")[0]
    token = cookie.partition("=")[2]
    request.getfixturevalue("read_only")
    answer = send_form(stage, f"username=operator&password=correct+horse&csrfmiddlewaretoken={token}", cookie)
    assert (answer.status, answer.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert answer.headers["retry-after"] == "1"
    assert b"takes no changes right now" in answer.body


def send_form(stage: Stage, form: str, cookie: str) -> Answer:
    connection = HTTPConnection("127.0.0.1", stage.service.port, timeout=20)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie}
    connection.request("POST", "/admin/login/", form, headers)
    try:
        response = connection.getresponse()
        named = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, named, response.read(), 0)
    finally:
        connection.close()


def test_a_command_says_it_in_a_line(read_only: Stage) -> None:
    environment = {**os.environ, **read_only.service._environment}
    command = [sys.executable, "manage.py", "createproject", "acme", "another"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("CommandError: The database takes no changes right now.")
    assert len(done.stderr.splitlines()) == 1


def test_readyz_says_which(read_only: Stage) -> None:
    said: dict[str, Any] = {}

    def says_one_thing(ready: Answer) -> bool:
        said.update(ready.json())
        return (ready.status, said["status"], len(said["warnings"])) == (200, "degraded", 1)

    read_only.service.wait_for_ready(says_one_thing, "one warning")
    assert {name: said[name]["works"] for name in ("reads", "counting", "managing")} == {
        "reads": True,
        "counting": True,
        "managing": False,
    }
    assert said["managing"]["why"] == said["counting"]["why"] == said["warnings"]
    assert "read-only" in said["warnings"][0]
    for name, status in (("reads", 200), ("counting", 200), ("managing", 503)):

        def has_status(ready: Answer, status: int = status) -> bool:
            return ready.status == status

        read_only.service.wait_for_ready(has_status, f"status {status}", promise=f"/{name}")


def test_nobody_waits_longer_than_a_bound_behind_a_lock(stage: Stage) -> None:
    session = psycopg2.connect(stage.url)
    session.cursor().execute("LOCK TABLE projects_project IN ACCESS EXCLUSIVE MODE")
    try:
        answer = fastest(lambda: stage.service.ask("GET", PROJECTS), BOUND)
    finally:
        session.close()
    assert refuses_for_now(answer)
    assert TIMEOUT <= answer.seconds < BOUND
    assert stage.service.ask("GET", PROJECTS).status == 200


def test_connections_that_the_server_ends_are_made_anew(stage: Stage) -> None:
    assert stage.service.ask("GET", PROJECTS).status == 200
    others = "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
    with closing(psycopg2.connect(stage.url)) as session:
        session.autocommit = True
        cursor = session.cursor()
        cursor.execute(f"SELECT pg_terminate_backend(pid) {others}")

        def are_gone() -> bool:
            cursor.execute(f"SELECT 1 {others}")
            return cursor.fetchone() is None

        wait_for(are_gone, "the end of the connections")
    for _ in range(4):
        assert stage.service.ask("GET", PROJECTS).status == 200


def test_a_server_that_hangs_frees_who_asks_it(stage: Stage) -> None:
    assert stage.service.ask("GET", PROJECTS).status == 200
    stage.postgresql.pause()
    try:
        answers = [fastest(lambda: stage.service.ask("GET", PROJECTS), 2 + BOUND) for _ in range(2)]
    finally:
        stage.postgresql.resume()
    assert all(refuses_for_now(answer) and answer.seconds < 2 + BOUND for answer in answers), answers
    wait_for(lambda: stage.service.ask("GET", PROJECTS).status == 200, "the recovery")
