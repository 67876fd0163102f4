"""A bounded number of connections to PostgreSQL, lent to however many threads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg2
import pytest

from statsapi.postgresql import base
from statsapi.postgresql.base import Pool
from tests.clients.live import IntakeService
from tests.faults.stage import open_folder
from tests.servers import Missing, start_postgresql

MOST = 3


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with open_folder() as folder:
        try:
            server, url = start_postgresql(folder / "postgresql")
        except Missing as missing:
            pytest.skip(str(missing))
        yield url
        server.stop()


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


def test_a_crowd_waits_for_the_few_there_are_and_is_answered(
    url: str, connect: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    service = IntakeService(tmp_path_factory.mktemp("service"), DATABASE_URL=url, DATABASE_CONNECTIONS=str(MOST))
    try:

        def send(number: int) -> int:
            unknown = f"Bearer sta_{number:043d}"
            return service.ask("GET", "/api/0/projects/acme/web/stats/", authorization=unknown).status

        with ThreadPoolExecutor(150) as clients:
            answers = Counter(clients.map(send, range(600)))
        assert answers == {401: 600}
        clients_of = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
        mine, backstage = 1, 1
        assert ask(connect(), clients_of) <= MOST + mine + backstage
    finally:
        service.stop()


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
