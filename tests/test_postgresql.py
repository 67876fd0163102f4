"""A bounded number of connections to PostgreSQL, lent to any number of threads."""

from __future__ import annotations

import gc
import os
import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import Any

import dj_database_url
import psycopg2
import pytest
from psycopg2 import extensions

from statsapi.postgresql import base
from statsapi.postgresql.base import DatabaseWrapper, Pool
from statsapi.postgresql.waiting import bounded
from tests.clients.live import IntakeService
from tests.faults.stage import postgresql

MOST = 3


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with postgresql() as (_, url):
        yield url


@pytest.fixture
def connect(url: str) -> Any:
    def connect() -> Any:
        connection = psycopg2.connect(url)
        connection.autocommit = True
        return connection

    return connect


def ask(connection: Any, sql: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def process(connection: Any) -> int:
    return int(ask(connection, "SELECT pg_backend_pid()"))


@pytest.fixture(scope="module")
def service(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[IntakeService]:
    folder = tmp_path_factory.mktemp("service")
    service = IntakeService(folder, DATABASE_URL=url, DATABASE_CONNECTIONS=str(MOST))
    yield service
    service.stop()


def ask_as_a_stranger(service: IntakeService, number: int) -> int:
    """Return the status of a request that has to ask the database."""
    unknown = f"Bearer sta_{number:043d}"
    return service.ask("GET", "/api/0/projects/acme/web/stats/", authorization=unknown).status


def test_a_crowd_waits_for_the_few_there_are_and_is_answered(service: IntakeService, connect: Any) -> None:
    with ThreadPoolExecutor(48) as clients:  # not so many that on a busy machine one waits for more than its 2 s
        answers = Counter(clients.map(partial(ask_as_a_stranger, service), range(600)))
    assert answers == {401: 600}
    clients_of = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
    mine, backstage = 1, 1
    assert ask(connect(), clients_of) <= MOST + mine + backstage


@pytest.mark.parametrize(
    ("path", "authorization"),
    [
        ("/api/99999/envelope/", f"Sentry sentry_key={'0' * 32}, sentry_version=7"),
        ("/api/0/projects/acme/web/outcomes/", "Bearer sta_unknown"),
        ("/api/0/projects/acme/web/outcomes/", None),
        ("/api/0/projects/acme/web/keys/", None),
    ],
)
def test_who_sends_slowly_keeps_no_connection_from_others(
    service: IntakeService, path: str, authorization: str | None
) -> None:
    known = authorization or f"Bearer {service.token}"
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {known}\r\nContent-Length: 500\r\n\r\n{{"
    with ExitStack() as slow:
        for _ in range(3 * MOST):
            connection = slow.enter_context(socket.create_connection(("127.0.0.1", service.port), 20))
            connection.sendall(head.encode())
        assert [ask_as_a_stranger(service, number) for number in range(10**6, 10**6 + 20)] == [401] * 20


def test_one_that_was_given_back_is_lent_again(connect: Any) -> None:
    pool = Pool(1)
    first = pool.borrow(connect)
    pool.give_back(first)
    assert pool.borrow(connect) is first


def test_one_that_died_meanwhile_is_replaced(connect: Any) -> None:
    pool = Pool(1)
    first = pool.borrow(connect)
    dead = process(first)
    pool.give_back(first)
    ask(connect(), f"SELECT pg_terminate_backend({dead}, 5000)")
    assert process(pool.borrow(connect)) != dead
    assert first.closed


def test_one_in_the_middle_of_a_transaction_is_not_lent_again(connect: Any) -> None:
    pool = Pool(1)
    first = pool.borrow(connect)
    first.autocommit = False
    assert process(first)
    pool.give_back(first)
    assert first.closed
    assert pool.borrow(connect) is not first


def test_who_waits_too_long_gets_an_error(connect: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "PATIENCE", 0.01)
    pool = Pool(1)
    first = pool.borrow(connect)
    with pytest.raises(psycopg2.OperationalError, match="in use"):
        pool.borrow(connect)
    pool.give_back(first)
    assert pool.borrow(connect) is first


def test_one_that_cannot_be_made_takes_no_place(connect: Any) -> None:
    pool = Pool(1)
    for _ in range(2):
        with pytest.raises(psycopg2.OperationalError, match="refused"):
            pool.borrow(lambda: psycopg2.connect("postgres://127.0.0.1:1/"))
    assert process(pool.borrow(connect))


def test_of_a_crowd_that_died_together_one_is_asked(connect: Any) -> None:
    pool = Pool(3)
    lent = [pool.borrow(connect) for _ in range(3)]
    dead = {process(one) for one in lent}
    for one in lent:
        pool.give_back(one)
    for one in dead:
        ask(connect(), f"SELECT pg_terminate_backend({one}, 5000)")
    assert process(pool.borrow(connect)) not in dead
    assert all(one.closed for one in lent)


@pytest.fixture
def _not_only_the_tests_database(django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield


@pytest.mark.usefixtures("_not_only_the_tests_database")
def test_a_thread_that_ends_without_a_word_leaves_its_place(url: str) -> None:
    def use() -> None:
        wrapper(url).cursor().execute("SELECT 1")
        gc.collect()

    for _ in range(2 * MOST):
        with ThreadPoolExecutor(1) as thread:
            thread.submit(use).result()


@pytest.mark.usefixtures("_not_only_the_tests_database")
def test_a_child_does_not_speak_on_its_parents_connections(url: str) -> None:
    mine = wrapper(url)
    mine.cursor().execute("SELECT 1")
    parents = process(mine.connection)
    mine.close()
    lent = wrapper(url)
    lent.ensure_connection()
    child = os.fork()
    if child == 0:
        lent.close()
        found = wrapper(url)
        found.ensure_connection()
        os._exit(process(found.connection) == parents)
    assert os.waitpid(child, 0)[1] == 0


def wrapper(url: str) -> DatabaseWrapper:
    settings = dj_database_url.parse(url)
    options = {"connections": MOST}
    return DatabaseWrapper(
        {**settings, "OPTIONS": options, "AUTOCOMMIT": True, "TIME_ZONE": None, "CONN_HEALTH_CHECKS": False}, "pooled"
    )


def test_a_server_that_accepts_and_says_nothing_is_waited_for_no_longer_than_connect_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"postgresql://me:secret@127.0.0.1:{silent.getsockname()[1]}/stats"
        began = time.monotonic()
        try:
            with pytest.raises(psycopg2.OperationalError, match=r"no answer within 0\.2 s"):
                psycopg2.connect(address, connection_factory=bounded(60, connecting=0.2))
        finally:
            extensions.set_wait_callback(None)
        assert time.monotonic() - began < 30
