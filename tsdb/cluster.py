"""A Redis Cluster, with the face of tsdb/client.py's Client: what the store asks of one, it can ask of the other.

redis-py knows the cluster's map and follows MOVED and ASK. Here stands what it does otherwise than a counter needs:
a request does not wait long for a new map, what may have been carried out is not sent again unless its client may ask
twice, and every failure is a RedisError.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import repeat
from threading import Lock, Thread
from typing import Any

import redis
from redis.cluster import ClusterNode, RedisCluster
from redis.connection import parse_url
from redis.crc import key_slot
from redis.exceptions import AskError, RedisClusterException, RedisError, TryAgainError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

CLUSTER_SCHEMES = {"redis+cluster": "redis", "rediss+cluster": "rediss"}
"""What the URL of a cluster starts with, and that of one of its nodes."""

Command = Sequence[Any]
"""The name of a Redis command and its arguments."""

MAP_PATIENCE = 0.2
"""Seconds that a request waits for a new map before it tries again or fails."""

log = logging.getLogger(__name__)


def node_urls(url: str) -> list[str]:
    """The URL of each node that `redis+cluster://user:password@host:port,host:port` names."""
    scheme, _, rest = url.partition("://")
    places, mark, options = rest.partition("?")
    user, at, hosts = places.rpartition("@")
    return [f"{CLUSTER_SCHEMES[scheme]}://{user}{at}{host}{mark}{options}" for host in hosts.split(",")]


class Cluster(RedisCluster):
    """Every method raises redis.exceptions.RedisError; to make one asks the first node that answers for the map."""

    # For a time-out one would wait twice.
    ERRORS_ALLOW_RETRY = (RedisConnectionError,)  # type: ignore[assignment]

    def __init__(self, url: str, retry: Retry, **options: Any) -> None:
        first, *others = node_urls(url)
        nodes = [_node(other) for other in others]
        self._tries = 1 + retry.get_retries()
        self._asker, self._one_asks = Thread(), Lock()
        try:
            super().__init__(url=first, startup_nodes=nodes, retry=retry, **options)
        except RedisClusterException as error:
            raise RedisConnectionError(str(error)) from error
        # From here on a new map is asked for aside: nodes that hang would hold up every request, one after the other.
        self._ask_for_map: Callable[..., None] = self.nodes_manager.initialize
        self.nodes_manager.initialize = self._ask_for_map_aside  # type: ignore[method-assign]

    def execute_command(self, *args: Any, **options: Any) -> Any:
        try:
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except RedisClusterException as error:  # which is no RedisError
            raise RedisConnectionError(str(error)) from error

    def together(self, commands: Sequence[Command]) -> list[Any]:
        """One answer a command, in order; an exception stands where a command failed. One round trip a node."""
        answers: list[Any] = [None] * len(commands)
        places: Sequence[int] = range(len(commands))
        for _ in repeat(None, self._tries):
            lost: list[int] = []
            for client, mine in self._by_node(commands, places):
                found = _ask_node(client, [commands[place] for place in mine])
                for place, answer in zip(mine, found, strict=True):
                    # The node did not carry it out, because the slot is elsewhere or on its way.
                    moved = isinstance(answer, AskError | TryAgainError)
                    answers[place] = self._ask_alone(commands[place]) if moved else answer
                    if isinstance(answer, RedisConnectionError):
                        lost.append(place)
                if isinstance(found[0], RedisConnectionError | RedisTimeoutError):
                    self._ask_for_map_aside()
            places = lost
        return answers

    def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """The values of the keys, in order. One round trip a node."""
        found: dict[str, bytes | None] = {}
        slots = _by_slot(keys)
        for of_slot, values in zip(slots, self._each("MGET", slots), strict=True):
            found.update(zip(of_slot, values, strict=True))
        return [found[key] for key in keys]

    def delete(self, *keys: Any) -> int:
        return sum(self._each("DEL", _by_slot(keys)))

    def unlink(self, *keys: Any) -> int:
        return sum(self._each("UNLINK", _by_slot(keys)))

    def exists(self, *keys: Any) -> int:
        return sum(self._each("EXISTS", _by_slot(keys)))

    def servers(self) -> list[redis.Redis]:
        """A client of each server that has keys of its own."""
        return [self.get_redis_connection(node) for node in self.get_primaries()]  # type: ignore[no-untyped-call]

    def _each(self, command: str, slots: Sequence[Sequence[Any]]) -> list[Any]:
        answers = self.together([(command, *keys) for keys in slots])
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return answers

    def _by_node(self, commands: Sequence[Command], places: Iterable[int]) -> list[tuple[redis.Redis, list[int]]]:
        """The places of the commands that go to the same node, with its client."""
        by_node: dict[str, tuple[redis.Redis, list[int]]] = {}
        for place in places:
            command = commands[place]
            key = command[3] if command[0] == "EVALSHA" else command[1]
            try:
                node = self.nodes_manager.get_node_from_slot(_slot(key))
            except RedisClusterException as error:
                raise RedisConnectionError(str(error)) from error
            by_node.setdefault(node.name, (self.get_redis_connection(node), []))[1].append(place)
        return list(by_node.values())

    def _ask_alone(self, command: Command) -> Any:
        try:
            if command[0] == "MGET":  # of a slot on its way some keys are here and some there
                return [self.execute_command("GET", key) for key in command[1:]]
            return self.execute_command(*command)
        except RedisError as error:
            return error

    def _ask_for_map_aside(self, *args: Any, **options: Any) -> None:
        """A new map, which is there when this returns unless asking takes longer than MAP_PATIENCE."""
        with self._one_asks:
            if not self._asker.is_alive():
                self._asker = Thread(target=self._ask_for_map_now, args=args, kwargs=options, daemon=True)
                self._asker.start()
            asker = self._asker
        asker.join(MAP_PATIENCE)

    def _ask_for_map_now(self, *args: Any, **options: Any) -> None:
        try:
            self._ask_for_map(*args, **options)
        except (RedisClusterException, RedisError) as error:
            log.warning("the cluster's map cannot be had: %s", error)


def _ask_node(client: redis.Redis, commands: Sequence[Command]) -> list[Any]:
    pipeline = client.pipeline(transaction=False)
    for command in commands:
        pipeline.execute_command(*command)  # type: ignore[no-untyped-call]
    try:
        return pipeline.execute(raise_on_error=False)
    except RedisError as error:
        return [error] * len(commands)


def _node(url: str) -> ClusterNode:
    said = parse_url(url)  # type: ignore[no-untyped-call]
    return ClusterNode(said["host"], said.get("port", 6379))  # type: ignore[no-untyped-call]


def _slot(key: Any) -> int:
    return key_slot(key if isinstance(key, bytes) else str(key).encode())


def _by_slot(keys: Sequence[Hashable]) -> list[list[Any]]:
    slots: dict[int, list[Any]] = {}
    for key in keys:
        slots.setdefault(_slot(key), []).append(key)
    return list(slots.values())
