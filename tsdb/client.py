"""Connections to Redis."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from threading import Lock
from typing import Any, NamedTuple

import redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from tsdb.cluster import CLUSTER_SCHEMES, Cluster
from tsdb.protocol import Command

MOST_CONNECTIONS = 32
"""Of each client to each server. A server that serves hundreds of requests at once would otherwise open as many at its
start, while few of them are ever in use at the same moment: an answer takes less time than what is made of it."""

_WRITES = frozenset({"EVAL", "EVALSHA", "SET"})
"""With these the store writes, but for scripts that only read, which go another way."""

LEAVE_SECONDS = 1.0
"""How often at most all connections are made anew while the server refuses to write."""


class Clients(NamedTuple):
    """`read` asks once more when a connection was lost; `write` never does, since the first try may have counted."""

    read: Client | Cluster
    write: Client | Cluster


class Pool(redis.ConnectionPool):
    """redis-py's pool without its metrics and events, which take longer than lending a connection does.

    While all connections are lent, whoever comes waits for one, first come first served, as long as for an answer.
    Where an answer does not come in time, whoever waits at that moment fails too: the server is the same.
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
                return  # lent before a fork, and so another process' own
            if self._waiting and self._hung(connection):
                for waiter in self._waiting:
                    waiter.ready.release()
                self._waiting.clear()
            if connection.should_reconnect():
                connection.disconnect()
            if self._waiting:
                waiter = self._waiting.popleft()
                waiter.connection = connection  # lent on
                waiter.ready.release()
                return
            self._in_use_connections.remove(connection)
            self._available_connections.append(connection)

    def _wait(self, waiter: _Waiter) -> Any:
        waiter.ready.acquire(timeout=self._patience)
        with self._lock:
            if waiter.connection is not None:
                return waiter.connection
            if waiter in self._waiting:  # else it was told meanwhile that the server hangs
                self._waiting.remove(waiter)
        raise RedisTimeoutError("Redis is too slow: all connections to it are in use")

    @property
    def _patience(self) -> float:
        return float(self.connection_kwargs.get("socket_timeout") or 1.0)

    def _hung(self, connection: Any) -> bool:
        """Whether it was given up after its whole time; one that is lost sooner says nothing of the others."""
        return not connection.is_connected and time.monotonic() - connection.lent_at >= self._patience


class _Waiter:
    def __init__(self) -> None:
        self.ready = Lock()
        self.ready.acquire()
        self.connection: Any = None


class Client(redis.Redis):
    """redis-py's client without its metrics, where it sends a single command; a pipeline is redis-py's own."""

    IS_CLUSTER = False
    READS_AT_ONCE = True
    """All that one get_many returns was there at one moment."""

    to_the_same: Sequence[redis.ConnectionPool] = ()
    """All connections to this server, of other clients too."""
    _left_at = 0.0
    _was_refused = False

    def execute_command(self, *args: Any, **options: Any) -> Any:
        pool = self.connection_pool
        connection: Any = pool.get_connection()

        def ask() -> Any:
            connection.send_command(*args, **options)
            return self.parse_response(connection, args[0], **options)  # type: ignore[no-untyped-call]

        try:
            answer = connection.retry.call_with_retry(ask, lambda error: connection.disconnect())
        except ResponseError as error:
            self._leave_if_replaced(error)
            raise
        finally:
            pool.release(connection)
        if self._was_refused and args[0] in _WRITES:
            # Where it is taken now, reads belong too: one that came in between may have connected to the old server.
            self._was_refused = False
            self._leave()
        return answer

    def together(self, commands: Sequence[Command]) -> list[Any]:
        """One answer a command, in order; an exception stands where a command failed. One round trip."""
        pipeline = self.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)  # type: ignore[no-untyped-call]
        answers: list[Any] = pipeline.execute(raise_on_error=False)
        if answers:
            self._leave_if_replaced(answers[0])  # it refuses every write, if one
        return answers

    def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """The values of the keys, in order. One round trip."""
        # As mget does it, but that looks at its arguments once more.
        return list(self.execute_command("MGET", *keys)) if keys else []

    def servers(self) -> list[redis.Redis]:
        """A client of each server that has keys of its own."""
        return [self]

    def _leave_if_replaced(self, answer: Any) -> None:
        """Connect anew where the server says that it is no master, or has lost its replicas: it may have been replaced.

        The address may lead to another server by now, and connections that were made before would never follow it.
        """
        if _is_from_a_replaced_server(answer):
            self._was_refused = True
            now = time.monotonic()
            if now - self._left_at > LEAVE_SECONDS:
                self._left_at = now
                self._leave()

    def _leave(self) -> None:
        for pool in self.to_the_same:
            pool.update_active_connections_for_reconnect()
            pool.disconnect_free_connections()

    def probes(self, name: str) -> dict[str, tuple[redis.Redis, str]]:
        """By place, a client of each server that has keys of its own and a key that is one of them. Asks nobody."""
        return {"": (self, f"{name}:0")}


def connect(url: str, timeout: float) -> Clients:
    """Clients of the server or cluster at `url` that wait `timeout` seconds for a connection and as long for an answer.

    Nothing is sent yet, but to a cluster. This and their calls raise redis.exceptions.RedisError.
    """
    # A time-out is not worth a second try: the caller would wait twice for a server that hangs.
    once_more = Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,))
    read, write = _client(url, timeout, once_more), _client(url, timeout, Retry(NoBackoff(), 0))
    if isinstance(read, Client) and isinstance(write, Client):  # a cluster says itself where a slot is
        write.to_the_same = [read.connection_pool, write.connection_pool]
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
    # In a pipeline words of redis-py's stand before Redis' own.
    return isinstance(answer, ResponseError) and (isinstance(answer, ReadOnlyError) or "NOREPLICAS" in str(answer))


def _is_stale(connection: Any) -> bool:
    """Closed by the server, or with an answer left that nobody waits for."""
    try:
        return bool(connection.can_read())
    except (RedisError, OSError):
        return True
