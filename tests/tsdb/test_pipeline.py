"""Several servers are sent to at the same time, and what befalls one of them is nothing to the others."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from tests.faults.stage import RedisServer
from tests.proxy import Proxy
from tests.servers import wait_for
from tsdb.client import Client, Pool
from tsdb.pipeline import NotAsked, Question, ask_all

PATIENCE = 3.0
"""Seconds within which an answer comes through a proxy on a busy machine, for the answers that do come."""

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(Path(tmp_path_factory.mktemp("redis")), external=False)
    yield server
    server.stop()


@pytest.fixture
def ways(server: RedisServer) -> Iterator[list[Proxy]]:
    """Three ways to the server, each of which stands for a server of its own."""
    with ExitStack() as stack:
        yield [stack.enter_context(Proxy(server.port)) for _ in range(3)]


@pytest.fixture
def clients(ways: list[Proxy]) -> list[Client]:
    """A client of each way, which has a connection."""
    clients = [Client(connection_pool=Pool(port=way.port, socket_timeout=20)) for way in ways]
    for client in clients:
        assert client.execute_command("PING")
    return clients


def questions(clients: list[Client]) -> list[Question]:
    return [
        Question(client, [("ECHO", f"{name}-1"), ("ECHO", f"{name}-2")])
        for name, client in zip("abc", clients, strict=True)
    ]


def echoed(name: str) -> list[bytes]:
    return [f"{name}-1".encode(), f"{name}-2".encode()]


def lent(clients: list[Client]) -> int:
    pools: list[Any] = [client.connection_pool for client in clients]
    return sum(len(pool._in_use_connections) for pool in pools)


def test_all_are_sent_to_before_the_first_answer_is_read(ways: list[Proxy], clients: list[Client]) -> None:
    ways[0].hold_answer_of = b"a-1"
    with ThreadPoolExecutor(1) as another:
        asking = another.submit(ask_all, questions(clients), {}, 20)
        for way, name in zip(ways, (b"a-2", b"b-2", b"c-2"), strict=True):
            wait_for(lambda way=way, name=name: way.seen(name) == 1, "the question")  # type: ignore[misc]
        assert not asking.done()
        ways[0].close()
        lost, *others = asking.result()
    assert isinstance(lost, RedisConnectionError)
    assert others == [echoed("b"), echoed("c")]
    assert lent(clients) == 0


def test_those_that_hang_cost_one_time_out_and_answers_that_are_there_are_taken(
    ways: list[Proxy], clients: list[Client]
) -> None:
    ways[0].hold_answer_of, ways[1].hold_answer_of = b"a-1", b"b-1"
    began = time.monotonic()
    *late, answered = ask_all(questions(clients), {}, PATIENCE)
    assert time.monotonic() - began < 2 * PATIENCE
    assert [type(error) for error in late] == [RedisTimeoutError] * 2
    assert answered == echoed("c")
    for way in ways:
        way.reset()
    # The connections whose answers were not taken are closed, so no answer is taken for another one.
    assert ask_all(questions(clients[::-1]), {}, 20) == [echoed(name) for name in "abc"]
    assert lent(clients) == 0


def test_after_one_that_takes_no_connection_only_those_with_a_connection_are_asked(
    server: RedisServer, clients: list[Client]
) -> None:
    server.hang()
    try:
        hasty = Client(connection_pool=Pool(port=server.port, socket_timeout=2))
        new = Client(connection_pool=Pool(port=server.port, socket_timeout=20))
        late, *others = ask_all(questions([hasty, new, clients[0]]), {}, 20)
    finally:
        server.go_on()
    assert type(late) is RedisTimeoutError
    assert [type(error) for error in others] == [NotAsked, RedisTimeoutError]
    assert lent([hasty, new, clients[0]]) == 0
    assert ask_all(questions([hasty, new, clients[0]]), {}, 20) == [echoed(name) for name in "abc"]


def test_what_a_server_refuses_is_the_error_of_that_command_alone(clients: list[Client]) -> None:
    refusing: Any
    refusing, other = ask_all(
        [Question(clients[0], [("ECHO", "1"), ("ECHO",), ("ECHO", "2")]), Question(clients[1], [("ECHO", "3")])], {}, 20
    )
    first, refused, last = refusing
    assert (first, last, other) == (b"1", b"2", [b"3"])
    assert isinstance(refused, ResponseError)


def test_what_cannot_be_sent_leaves_no_answer_on_another_connection(clients: list[Client]) -> None:
    with pytest.raises(TypeError):
        ask_all([Question(clients[0], [("ECHO", "1")]), Question(clients[1], [("ECHO", object())])], {}, 20)
    assert lent(clients) == 0
    assert clients[0].execute_command("ECHO", "2") == b"2"
