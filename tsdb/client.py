"""Connections to Redis."""

from __future__ import annotations

from typing import NamedTuple

import redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

MOST_CONNECTIONS = 10_000
"""As many as Redis takes by default. A thread has one of each client at most; redis-py's own limit of 100 refuses the
hundred-and-first thread, with an error that looks like a Redis which is away."""


class Clients(NamedTuple):
    """`read` asks once more when a connection was lost; `write` never does, since the first try may have counted."""

    read: redis.Redis
    write: redis.Redis


def connect(url: str, timeout: float) -> Clients:
    """Clients of the server at `url` that wait `timeout` seconds for a connection and as long for an answer.

    Nothing is sent yet. Their calls raise redis.exceptions.RedisError.
    """
    # A time-out is not worth a second try: the caller would wait twice for a server that hangs.
    once_more = Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,))
    return Clients(read=_client(url, timeout, once_more), write=_client(url, timeout, Retry(NoBackoff(), 0)))


def _client(url: str, timeout: float, retry: Retry) -> redis.Redis:
    return redis.Redis(
        connection_pool=redis.ConnectionPool.from_url(
            url,
            retry=retry,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            max_connections=MOST_CONNECTIONS,
        )
    )
