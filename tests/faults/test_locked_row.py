"""A locked row of one project: requests that need the row wait for a bounded time, and no other request notices.

See docs/reliability.md#locked-row.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from tests.clients.live import IntakeService, Sender, event
from tests.faults.stage import fastest, holds_once, postgresql, refuses_for_now
from tests.service import Answer, Service

CONNECTIONS = 4
SOON = 1.5
"""Most seconds for a request that does not need the row, on a busy machine."""
BOUND = 2.0 + 2.0
"""Most seconds for a request that needs the row: the longest wait for a row, and time for a busy machine."""

_numbers = count()

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


def are_soon(status: int, answers: Sequence[Answer]) -> bool:
    return all(answer.status == status and answer.seconds < SOON for answer in answers)


def strangers(service: Service) -> list[Answer]:
    """Return the answers to ten requests with unknown tokens, each of which has to ask the database."""
    secrets = [f"sta_{number:043d}" for number in islice(_numbers, 10)]
    return [
        service.ask("GET", "/api/0/projects/acme/web/stats/", authorization=f"Bearer {secret}") for secret in secrets
    ]


def test_projects_that_were_never_seen_are_loaded_past_one_that_is_locked(service: IntakeService, url: str) -> None:
    def they_are() -> bool:
        mine, *others = [service.new_sender() for _ in range(12)]
        with ThreadPoolExecutor(40) as clients, row_of(url, mine):
            waiting = [clients.submit(service.send, mine, event()) for _ in range(30)]
            answers = [service.send(other, event()) for other in others]
            unknown = strangers(service)
            refused = [one.result() for one in waiting]
        assert all(refuses_for_now(answer) for answer in refused)
        assert service.send(mine, event()).status == 200
        in_time = all(answer.seconds < BOUND for answer in refused)
        return in_time and are_soon(200, answers) and are_soon(401, unknown)

    assert holds_once(they_are)


def test_who_waits_is_served_as_soon_as_the_row_is_free(service: IntakeService, url: str) -> None:
    def is_served() -> bool:
        sender = service.new_sender()
        with ThreadPoolExecutor(1) as client:
            with row_of(url, sender):
                waiting: Future[Answer] = client.submit(service.send, sender, event())
                time.sleep(0.5)  # part of the case: by now it waits, and is not refused yet
                waits = not waiting.done()
            return waits and waiting.result().status == 200

    assert holds_once(is_served)


def test_environments_of_a_locked_project_keep_no_connection_from_others(service: IntakeService, url: str) -> None:
    def they_keep_none() -> bool:
        mine, other = service.new_sender(), service.new_sender()
        for sender in (mine, other):
            assert service.send(sender, event()).status == 200
        with ThreadPoolExecutor(12) as clients, row_of(url, mine):
            new = [event(environment=f"first-seen-{number}") for number in range(3 * CONNECTIONS)]
            waiting = [clients.submit(service.send, mine, body) for body in new]
            does_not_need_the_row = service.send(mine, event())
            unknown = strangers(service)
            first_seen = service.send(other, event(environment="first-seen"))
            assert all(refuses_for_now(one.result()) for one in waiting)
        return are_soon(401, unknown) and does_not_need_the_row.status == first_seen.status == 200

    assert holds_once(they_keep_none)


def test_a_read_does_not_wait_to_note_that_its_token_was_used(service: IntakeService, url: str) -> None:
    def read() -> Answer:
        secret = service.run("answer = services.create_token(organization=acme, scopes=SCOPES).secret")
        with locked(url, "SELECT 1 FROM projects_apitoken FOR UPDATE"):
            return service.ask("GET", "/api/0/projects/acme/web/stats/", authorization=f"Bearer {secret}")

    answer = fastest(read, SOON)
    assert (answer.status, answer.seconds < SOON) == (200, True)


def test_on_sqlite_who_only_reads_waits_for_no_writer(tmp_path: Path) -> None:
    service = Service(tmp_path, DATABASE_TIMEOUT="0.5")
    try:
        [project, public] = service.run("answer = [(key := web.keys.get()).project_id, key.public]")
        seen, never = (f"/api/{project}/envelope/?sentry_key={public}", "/api/0/organizations/acme/projects/")
        with sqlite3.connect(tmp_path / "var" / "statsapi.sqlite3", isolation_level=None) as writer:
            writer.execute("BEGIN IMMEDIATE")
            answer = fastest(service.stats, SOON)  # the first use of the token cannot be recorded
            assert (answer.status, answer.seconds < SOON) == (200, True)
            for path, body in ((seen, {}), (never, {"name": "New"})):
                refused = fastest(partial(service.ask, "POST", path, body), BOUND)
                assert refuses_for_now(refused), refused
                assert refused.seconds < BOUND
            writer.execute("ROLLBACK")
        assert service.ask("POST", never, {"name": "New"}).status == 201
    finally:
        service.stop()
