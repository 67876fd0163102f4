"""What the store asks of a client of Redis.

Two classes have it: `Client` for one server (tsdb/client.py) and `Cluster` for a Redis Cluster (tsdb/cluster.py). Code
that takes a `StoreClient` works with either.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import redis

Command = Sequence[Any]
"""The name of a Redis command and its arguments."""


class StoreClient(Protocol):
    """A client of one Redis server or of a cluster.

    Every method raises redis.exceptions.RedisError if Redis cannot be reached or refuses the command. Answers are bytes
    and integers, as Redis sends them, unless a method says otherwise.
    """

    @property
    def IS_CLUSTER(self) -> bool:
        """Whether the keys are spread over the masters of a cluster."""

    @property
    def READS_AT_ONCE(self) -> bool:
        """Whether all values that one `get_many` returns were there at the same moment."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send one command, given as its name and its arguments, and return the answer."""

    def together(self, commands: Sequence[Command]) -> list[Any]:
        """Return one answer for each command, in order. An exception stands in the place of a command that failed.

        One round trip: the nodes of a cluster are asked at the same time.
        """

    def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return the values of the keys, in order; None for a key that is missing or holds no string.

        One round trip: the nodes of a cluster are asked at the same time.
        """

    def servers(self) -> list[redis.Redis]:
        """Return a client of each server that has keys of its own: the one server, or each master of a cluster."""

    def probes(self, name: str) -> dict[str, tuple[redis.Redis, str]]:
        """Return a client of each such server and a key that lies on it, by its address ("" for a single server).

        The keys are `name`, a colon and a number. It waits for no answer.
        """

    def get(self, key: str, /) -> Any: ...

    def hgetall(self, key: str, /) -> Any: ...

    def exists(self, *keys: Any) -> Any: ...

    def delete(self, *keys: Any) -> Any: ...

    def unlink(self, *keys: Any) -> Any: ...

    def eval(self, script: str, numkeys: int, /, *keys_and_args: Any) -> Any: ...

    def evalsha(self, sha: str, numkeys: int, /, *keys_and_args: Any) -> Any: ...


def none_failed(answers: list[Any]) -> list[Any]:
    """Return the answers of `together`. Raises the first exception among them."""
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers
