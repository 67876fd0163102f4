"""The connections to Redis: they are few and lent in turn, and no thread waits twice for a server that hangs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError
from redis.exceptions import TimeoutError as RedisTimeoutError

from tests.faults.stage import RedisServer
from tests.proxy import Proxy
from tests.servers import wait_for
from tsdb.client import Client, Pool, connect

MOST = 2
PATIENCE = 2.0
"""Seconds. Several threads have to come and wait within it, and a new connection has to be made, on a busy machine."""

WRITE = """#!lua
return redis.call('SET', KEYS[1], '')
"""

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(Path(tmp_path_factory.mktemp("redis")), external=False)
    yield server
    server.stop()


@pytest.fixture
def pool(server: RedisServer) -> Pool:
    return Pool(port=server.port, socket_timeout=PATIENCE, max_connections=MOST)


def waiting(pool: Pool) -> int:
    return len(pool._waiting)


def test_a_crowd_shares_the_few_there_are(server: RedisServer) -> None:
    client = Client(connection_pool=Pool(port=server.port, socket_timeout=20, max_connections=MOST))
    with ThreadPoolExecutor(50) as crowd:
        assert list(crowd.map(lambda number: client.execute_command("ECHO", number), range(500))) == [
            str(number).encode() for number in range(500)
        ]
    with server.client() as asker:
        assert len(asker.client_list()) <= MOST + 1


def test_who_came_first_is_served_first(pool: Pool) -> None:
    lent = [pool.get_connection() for _ in range(MOST)]
    order: list[int] = []
    with ThreadPoolExecutor(5) as crowd:

        def use(number: int) -> None:
            connection = pool.get_connection()
            order.append(number)
            pool.release(connection)

        for number in range(5):
            crowd.submit(use, number)
            wait_for(lambda number=number: waiting(pool) == number + 1, "another one who waits")  # type: ignore[misc]
        pool.release(lent[0])
    assert order == list(range(5))


def test_who_waits_too_long_gets_an_error_and_takes_nothing(pool: Pool) -> None:
    lent = [pool.get_connection() for _ in range(MOST)]
    began = time.monotonic()
    with pytest.raises(RedisTimeoutError, match="in use"):
        pool.get_connection()
    assert time.monotonic() - began >= PATIENCE
    assert waiting(pool) == 0
    pool.release(lent[0])
    assert pool.get_connection() is lent[0]


def test_of_a_server_that_hangs_all_who_wait_are_free_with_the_first(server: RedisServer, pool: Pool) -> None:
    client = Client(connection_pool=pool)
    assert client.ping()

    def ask(number: int) -> float:
        began = time.monotonic()
        with pytest.raises(RedisTimeoutError):
            client.execute_command("ECHO", number)
        return time.monotonic() - began

    server.hang()
    try:
        with ThreadPoolExecutor(40) as crowd:
            assert max(crowd.map(ask, range(40))) < 2 * PATIENCE
    finally:
        server.go_on()
    wait_for(lambda: client.execute_command("ECHO", 1) == b"1", "the recovery")


def test_who_gives_up_at_the_moment_at_which_all_are_freed_gets_the_same_error(pool: Pool) -> None:
    lent = [pool.get_connection() for _ in range(MOST)]
    with ThreadPoolExecutor(1) as another:
        waits = another.submit(pool.get_connection)
        wait_for(lambda: waiting(pool) == 1, "one who waits")
        with pool._lock:  # the waiter's time ends while it cannot leave the queue
            time.sleep(1.5 * PATIENCE)
            lent[0].disconnect()
            pool.release(lent[0])
        with pytest.raises(RedisTimeoutError, match="in use"):
            waits.result()


def test_one_that_is_lost_is_made_anew_for_who_waits(server: RedisServer, pool: Pool) -> None:
    lent = [pool.get_connection() for _ in range(MOST)]
    with ThreadPoolExecutor(1) as another:
        waits = another.submit(pool.get_connection)
        wait_for(lambda: waiting(pool) == 1, "one who waits")
        lent[0].disconnect()
        pool.release(lent[0])
        assert waits.result().is_connected


def test_one_that_cannot_be_made_takes_no_place() -> None:
    nowhere = Pool(port=1, socket_timeout=PATIENCE, max_connections=MOST)
    for _ in range(2 * MOST):
        with pytest.raises(RedisConnectionError):
            nowhere.get_connection()


@pytest.mark.parametrize("together", [False, True])
def test_reads_follow_to_the_server_that_takes_writes_again(
    server: RedisServer, tmp_path: Path, together: bool
) -> None:
    promoted = RedisServer(tmp_path / "promoted", external=False)
    names = {one: str(one.port).encode() for one in (server, promoted)}
    for one, name in names.items():
        one.client().set("name", name)
    with Proxy(server.port) as proxy:
        clients = connect(f"redis://127.0.0.1:{proxy.port}", PATIENCE)
        server.client().replicaof("127.0.0.1", "1")
        try:
            with pytest.raises(ReadOnlyError):
                clients.write.eval(WRITE, 1, "key")
            assert clients.read.get("name") == names[server]  # over a new connection, which still leads there
            proxy.target = promoted.port
            if together:
                assert clients.write.together([("EVAL", WRITE, 1, "key")] * 2) == [b"OK"] * 2
            else:
                assert clients.write.eval(WRITE, 1, "key")
            assert clients.read.get("name") == names[promoted]
        finally:
            server.client().replicaof("NO", "ONE")
            promoted.stop()
