"""A locked row of one project: requests that need the row wait for a bounded time, and no other request notices.

See docs/reliability.md#locked-row.
"""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from tests.clients.live import IntakeService, Sender, event
from tests.faults.stage import postgresql, refuses_for_now
from tests.service import Answer, Service

CONNECTIONS = 4
SOON = 1.5
"""Most seconds for a request that does not need the row, on a busy machine."""
BOUND = 2.0 + 2.0
"""Most seconds for a request that needs the row: the longest wait for a row, and time for a busy machine."""

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with postgresql() as (_, url):
        yield url


@pytest.fixture(scope="module")
def service(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[IntakeService]:
    settings = {"DATABASE_URL": url, "DATABASE_CONNECTIONS": str(CONNECTIONS)}
    service = IntakeService(tmp_path_factory.mktemp("intake"), workers=1, **settings)
    yield service
    service.stop()


@contextmanager
def locked(url: str, sql: str, *arguments: Any) -> Iterator[None]:
    """Hold the locks of the SQL in a transaction of another session."""
    session = psycopg2.connect(url)
    try:
        session.cursor().execute(sql, arguments)
        yield
    finally:
        session.close()


def row_of(url: str, sender: Sender) -> Any:
    return locked(url, "SELECT 1 FROM projects_project WHERE id = %s FOR UPDATE", sender.project)


def a_stranger(service: Service, number: int) -> int:
    """Return the status of a request with an unknown token, which has to ask the database."""
    answer = service.ask("GET", "/api/0/projects/acme/web/stats/", authorization=f"Bearer sta_{number:043d}")
    assert answer.seconds < SOON
    return answer.status


def test_projects_that_were_never_seen_are_loaded_past_one_that_is_locked(service: IntakeService, url: str) -> None:
    mine, *others = [service.new_sender() for _ in range(12)]
    with ThreadPoolExecutor(40) as clients:
        with row_of(url, mine):
            waiting = [clients.submit(service.send, mine, event()) for _ in range(30)]
            answers = [service.send(other, event()) for other in others]
            assert [(answer.status, answer.seconds < SOON) for answer in answers] == [(200, True)] * len(others)
            assert Counter(a_stranger(service, number) for number in range(10)) == {401: 10}
            refused = [one.result() for one in waiting]
        assert all(refuses_for_now(answer) and answer.seconds < BOUND for answer in refused)
    assert service.send(mine, event()).status == 200


def test_who_waits_is_served_as_soon_as_the_row_is_free(service: IntakeService, url: str) -> None:
    sender = service.new_sender()
    with ThreadPoolExecutor(1) as client:
        with row_of(url, sender):
            waiting: Future[Answer] = client.submit(service.send, sender, event())
            time.sleep(0.5)  # part of the case: by now it waits, and is not refused yet
            assert not waiting.done()
        assert waiting.result().status == 200


def test_environments_of_a_locked_project_keep_no_connection_from_others(service: IntakeService, url: str) -> None:
    mine, other = service.new_sender(), service.new_sender()
    for sender in (mine, other):
        assert service.send(sender, event()).status == 200
    with ThreadPoolExecutor(12) as clients, row_of(url, mine):
        new = [event(environment=f"first-seen-{number}") for number in range(3 * CONNECTIONS)]
        waiting = [clients.submit(service.send, mine, body) for body in new]
        assert service.send(mine, event()).status == 200  # it does not need the row
        assert Counter(a_stranger(service, 10**6 + number) for number in range(10)) == {401: 10}
        assert service.send(other, event(environment="first-seen")).status == 200
        assert all(refuses_for_now(one.result()) for one in waiting)


def test_a_read_does_not_wait_to_note_that_its_token_was_used(service: IntakeService, url: str) -> None:
    secret = service.run("answer = services.create_token(organization=acme, scopes=SCOPES).secret")
    read = partial(service.ask, "GET", "/api/0/projects/acme/web/stats/", authorization=f"Bearer {secret}")
    with locked(url, "SELECT 1 FROM projects_apitoken FOR UPDATE"):
        answer = read()
    assert (answer.status, answer.seconds < SOON) == (200, True)


def test_on_sqlite_who_only_reads_waits_for_no_writer(tmp_path: Path) -> None:
    service = Service(tmp_path, DATABASE_TIMEOUT="0.5")
    try:
        [project, public] = service.run("answer = [(key := web.keys.get()).project_id, key.public]")
        seen, never = (f"/api/{project}/envelope/?sentry_key={public}", "/api/0/organizations/acme/projects/")
        with sqlite3.connect(tmp_path / "var" / "statsapi.sqlite3", isolation_level=None) as writer:
            writer.execute("BEGIN IMMEDIATE")
            answer = service.stats()  # the first use of the token cannot be recorded
            assert (answer.status, answer.seconds < SOON) == (200, True)
            for refused in (service.ask("POST", seen, {}), service.ask("POST", never, {"name": "New"})):
                assert refuses_for_now(refused), refused
                assert refused.seconds < BOUND
            writer.execute("ROLLBACK")
        assert service.ask("POST", never, {"name": "New"}).status == 201
    finally:
        service.stop()
