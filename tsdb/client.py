"""Connections to Redis: `connect` returns the two clients that the store uses."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, NamedTuple, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from tsdb.cluster import CLUSTER_SCHEMES, Cluster
from tsdb.pipeline import read, send
from tsdb.protocol import Command

Answer = TypeVar("Answer")

MOST_CONNECTIONS = 32
"""The most connections of each client to each server.

Without a bound, a worker with hundreds of requests would open as many connections at its start. Few of them are ever in
use at the same moment, because Redis takes less time to answer than the worker takes to use the answer.
"""

_WRITES = frozenset({"EVAL", "EVALSHA", "SET"})
"""The commands with which the store writes. Scripts that only read are sent by the reading client."""

RECONNECT_SECONDS = 1.0
"""While a server refuses to write, all connections are replaced at most once in this time."""


class Clients(NamedTuple):
    """The two clients of the store.

    `read` sends a command once more after a lost connection. `write` never does, because the first try may have
    counted.
    """

    read: Client | Cluster
    write: Client | Cluster


class Pool(redis.ConnectionPool):
    """redis-py's pool without its metrics and events, which take longer than lending a connection does.

    If all connections are lent, a thread waits for one, first come, first served, for as long as it would wait for an
    answer. If an answer does not come in time, all threads that wait at that moment fail too, because they wait for the
    same server. tests/tsdb/test_redis_py.py holds what this class uses of redis-py's private members.
    """

    def reset(self) -> None:
        self._waiting: deque[_Waiter] = deque()
        super().reset()

    def get_connection(self, command_name: Any = None, *keys: Any, **options: Any) -> Any:
        self._checkpid()
        with self._lock:
            waiter = None
            if self._available_connections:
                connection = self._available_connections.pop()
            elif self._created_connections < self.max_connections:
                connection = self.make_connection()
            else:
                connection, waiter = None, _Waiter()
                self._waiting.append(waiter)
            if waiter is None:
                self._in_use_connections.add(connection)
        if waiter is not None:
            connection = self._wait(waiter)
        connection.lent_at = time.monotonic()
        try:
            if connection.is_connected and _is_stale(connection):
                connection.disconnect()
            if not connection.is_connected:
                connection.connect()
        except BaseException:
            self.release(connection)
            raise
        return connection

    def release(self, connection: Any) -> None:
        self._checkpid()
        with self._lock:
            if connection not in self._in_use_connections:
                return  # it was lent before a fork, so it belongs to another process
            if self._waiting and self._hung(connection):
                for waiter in self._waiting:
                    waiter.ready.release()
                self._waiting.clear()
            if connection.should_reconnect():
                connection.disconnect()
            if self._waiting:
                waiter = self._waiting.popleft()
                waiter.connection = connection  # it stays lent, now to the waiter
                waiter.ready.release()
                return
            self._in_use_connections.remove(connection)
            # The last one is lent first: one that need not be made anew.
            place = len(self._available_connections) if connection.is_connected else 0
            self._available_connections.insert(place, connection)

    @property
    def has_connection(self) -> bool:
        """Whether the next connection is lent without waiting for the server."""
        with self._lock:
            return bool(self._available_connections) and self._available_connections[-1].is_connected

    def _wait(self, waiter: _Waiter) -> Any:
        waiter.ready.acquire(timeout=self._patience)
        with self._lock:
            if waiter.connection is not None:
                return waiter.connection
            if waiter in self._waiting:  # otherwise it was woken because the server hangs
                self._waiting.remove(waiter)
        raise RedisTimeoutError("Redis is too slow: all connections to it are in use")

    @property
    def _patience(self) -> float:
        """Seconds that a thread waits for a connection."""
        return float(self.connection_kwargs.get("socket_timeout") or 1.0)

    def _hung(self, connection: Any) -> bool:
        """Return whether the connection was given up after its whole time-out.

        A connection that is lost sooner says nothing about the server's other connections.
        """
        return not connection.is_connected and time.monotonic() - connection.lent_at >= self._patience


class _Waiter:
    """A thread that waits for a connection: `ready` is released when it has one, or when it should give up."""

    def __init__(self) -> None:
        self.ready = Lock()
        self.ready.acquire()
        self.connection: Any = None


class Client(redis.Redis):
    """A client of one server: tsdb.protocol.StoreClient.

    It is redis-py's client, but sends commands without redis-py's metrics.
    """

    IS_CLUSTER = False
    READS_AT_ONCE = True

    pools_of_server: Sequence[redis.ConnectionPool] = ()
    """The pools of all clients of this server, whose connections are replaced together."""
    _reconnected_at = 0.0
    _was_refused = False

    def execute_command(self, *args: Any, **options: Any) -> Any:
        def ask(connection: Any) -> Any:
            send(connection, [(*args[0].split(), *args[1:])])
            return self.parse_response(connection, args[0], **options)  # type: ignore[no-untyped-call]

        try:
            answer = self._with_connection(ask)
        except ResponseError as error:
            self._reconnect_if_replaced(error)
            raise
        self._reconnect_if_taken(args[0])
        return answer

    def together(self, commands: Sequence[Command]) -> list[Any]:
        """Return one answer for each command, as StoreClient.together says. One round trip."""

        def ask(connection: Any) -> list[Any]:
            send(connection, commands)
            return read(self, connection, commands, {})

        if not commands:
            return []
        answers = self._with_connection(ask)
        if isinstance(answers[0], Exception):
            self._reconnect_if_replaced(answers[0])  # a server that refuses one write refuses all
        else:
            self._reconnect_if_taken(commands[0][0])
        return answers

    def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return the values of the keys, in order. One round trip."""
        # This is what mget does, without its second look at the arguments.
        return list(self.execute_command("MGET", *keys)) if keys else []

    def server_of(self, key: str) -> str:
        """Return the name of the server of a key: there is one server."""
        return ""

    def servers(self) -> list[redis.Redis]:
        """Return this client: there is one server."""
        return [self]

    def _with_connection(self, ask: Callable[[Any], Answer]) -> Answer:
        """Return what `ask` returns for a connection. The reading client calls it once more after a lost connection."""
        pool = self.connection_pool
        connection: Any = pool.get_connection()
        try:
            answer: Answer = connection.retry.call_with_retry(
                lambda: ask(connection), lambda error: connection.disconnect()
            )
            return answer
        finally:
            pool.release(connection)

    def _reconnect_if_replaced(self, answer: Any) -> None:
        """Replace all connections if the answer says that the server is no master or has lost its replicas.

        The address may lead to a new master by now. Connections that were made before would never follow it.
        """
        if _is_from_a_replaced_server(answer):
            self._was_refused = True
            now = time.monotonic()
            if now - self._reconnected_at > RECONNECT_SECONDS:
                self._reconnected_at = now
                self._reconnect()

    def _reconnect_if_taken(self, command: str) -> None:
        """Replace all connections if this command, which succeeded, is the first write after a refusal.

        The server that takes it is the one to read from. A read since the refusal may have connected to the old server.
        """
        if self._was_refused and command in _WRITES:
            self._was_refused = False
            self._reconnect()

    def _reconnect(self) -> None:
        for pool in self.pools_of_server:
            pool.update_active_connections_for_reconnect()
            pool.disconnect_free_connections()

    def probes(self, name: str) -> dict[str, tuple[redis.Redis, str]]:
        """Return this client and one key, under the address "". It waits for no answer."""
        return {"": (self, f"{name}:0")}


def connect(url: str, timeout: float) -> Clients:
    """Return clients of the server or cluster at `url`.

    They wait `timeout` seconds for a connection, and as long for an answer. A single server is not asked anything yet;
    a cluster is asked for its map of slots. Raises redis.exceptions.RedisError, as all calls of the clients do.
    """
    # A time-out is not tried again: the caller would wait twice for a server that hangs.
    once_more = Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,))
    read, write = _client(url, timeout, once_more), _client(url, timeout, Retry(NoBackoff(), 0))
    if isinstance(read, Client) and isinstance(write, Client):  # a cluster says by itself where a slot is
        write.pools_of_server = [read.connection_pool, write.connection_pool]
    return Clients(read, write)


def _client(url: str, timeout: float, retry: Retry) -> Client | Cluster:
    options = {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "max_connections": MOST_CONNECTIONS,
    }
    if url.partition("://")[0] in CLUSTER_SCHEMES:
        return Cluster(url, retry, connection_pool_class=Pool, **options)
    return Client(connection_pool=Pool.from_url(url, retry=retry, **options))


def _is_from_a_replaced_server(answer: Any) -> bool:
    # In a pipeline, redis-py puts words of its own before Redis' code.
    return isinstance(answer, ResponseError) and (isinstance(answer, ReadOnlyError) or "NOREPLICAS" in str(answer))


def _is_stale(connection: Any) -> bool:
    """Return whether the server closed the connection, or left an answer on it that nobody waits for."""
    try:
        return bool(connection.can_read())
    except (RedisError, OSError):
        return True
