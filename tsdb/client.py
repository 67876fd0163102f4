"""Connections to Redis."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError, RedisError, ResponseError
from redis.retry import Retry

from tsdb.cluster import CLUSTER_SCHEMES, Cluster, Command

MOST_CONNECTIONS = 10_000
"""As many as Redis takes by default. A thread has one of each client at most; redis-py's own limit of 100 refuses the
hundred-and-first thread, with an error that looks like a Redis which is away."""

LEAVE_SECONDS = 1.0
"""How often at most all connections are made anew while the server refuses to write."""


class Clients(NamedTuple):
    """`read` asks once more when a connection was lost; `write` never does, since the first try may have counted."""

    read: Client
    write: Client


class Pool(redis.ConnectionPool):
    """redis-py's pool without its metrics and events, which take longer than lending a connection does."""

    def get_connection(self, command_name: Any = None, *keys: Any, **options: Any) -> Any:
        self._checkpid()
        with self._lock:
            connection = self._available_connections.pop() if self._available_connections else self.make_connection()
            self._in_use_connections.add(connection)
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
            self._in_use_connections.remove(connection)
            if connection.should_reconnect():
                connection.disconnect()
            self._available_connections.append(connection)


class Client(redis.Redis):
    """redis-py's client without its metrics, where it sends a single command; a pipeline is redis-py's own."""

    READS_AT_ONCE = True
    """All that one get_many returns was there at one moment."""

    to_the_same: Sequence[redis.ConnectionPool] = ()
    """All connections to this server, of other clients too."""
    _left_at = 0.0

    def execute_command(self, *args: Any, **options: Any) -> Any:
        pool = self.connection_pool
        connection: Any = pool.get_connection()

        def ask() -> Any:
            connection.send_command(*args, **options)
            return self.parse_response(connection, args[0], **options)  # type: ignore[no-untyped-call]

        try:
            return connection.retry.call_with_retry(ask, lambda error: connection.disconnect())
        except ResponseError as error:
            self._leave_if_replaced(error)
            raise
        finally:
            pool.release(connection)

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
            now = time.monotonic()
            if now - self._left_at > LEAVE_SECONDS:
                self._left_at = now
                for pool in self.to_the_same:
                    pool.update_active_connections_for_reconnect()
                    pool.disconnect_free_connections()


def connect(url: str, timeout: float) -> Clients:
    """Clients of the server or cluster at `url` that wait `timeout` seconds for a connection and as long for an answer.

    Nothing is sent yet, but to a cluster. This and their calls raise redis.exceptions.RedisError.
    """
    # A time-out is not worth a second try: the caller would wait twice for a server that hangs.
    once_more = Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,))
    clients = Clients(read=_client(url, timeout, once_more), write=_client(url, timeout, Retry(NoBackoff(), 0)))
    if isinstance(clients.write, Client):  # a cluster says itself where a slot is
        clients.write.to_the_same = [client.connection_pool for client in clients]
    return clients


def _client(url: str, timeout: float, retry: Retry) -> Client:
    options = {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "max_connections": MOST_CONNECTIONS,
    }
    if url.partition("://")[0] in CLUSTER_SCHEMES:
        # It answers whatever the store asks of a Client.
        return cast("Client", Cluster(url, retry, connection_pool_class=Pool, **options))
    return Client(connection_pool=Pool.from_url(url, retry=retry, **options))


def none_failed(answers: list[Any]) -> list[Any]:
    """The answers of `together`. Raises the first exception among them."""
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers


def _is_from_a_replaced_server(answer: Any) -> bool:
    # In a pipeline words of redis-py's stand before Redis' own.
    return isinstance(answer, ResponseError) and (isinstance(answer, ReadOnlyError) or "NOREPLICAS" in str(answer))


def _is_stale(connection: Any) -> bool:
    """Closed by the server, or with an answer left that nobody waits for."""
    try:
        return bool(connection.can_read())
    except (RedisError, OSError):
        return True
