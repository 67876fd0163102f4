"""A client of a Redis Cluster.

redis-py finds the nodes and keeps the map of which node has which slot. Commands are sent here, because a counter needs
other rules than redis-py's:

- Only a client that may ask twice sends a command again that may have been carried out.
- Many commands are one round trip for each node.
- A request does not wait long for a new map.
- Every failure is a RedisError.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from threading import Lock, Thread
from typing import Any

import redis
from redis.cluster import ClusterNode, RedisCluster
from redis.connection import parse_url
from redis.crc import key_slot
from redis.exceptions import AskError, ClusterDownError, MovedError, RedisClusterException, RedisError, TryAgainError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from tsdb.protocol import Command, none_failed

CLUSTER_SCHEMES = {"redis+cluster": "redis", "rediss+cluster": "rediss"}
"""The scheme of a cluster's URL, and the scheme of the URL of one of its nodes."""

TURNS = 6
"""How many times a command is sent, at most, while its slot moves to another node."""

PAUSE = 0.02
"""Seconds before a command is sent again because its keys are moving from one node to another.

With TURNS this makes 0.1 s in all, enough for a slot with few keys. A slot with many keys takes seconds, and a request
that waited so long would hold a thread that other projects need.
"""

MAP_PATIENCE = 0.2
"""Seconds that a request waits for a new map of the slots before it tries again or fails."""

PROBES = 64
"""How many keys `probes` tries. This many are spread over all masters, unless one has hardly any slots."""

log = logging.getLogger(__name__)


def node_urls(url: str) -> list[str]:
    """Return the URL of each node that `redis+cluster://user:password@host:port,host:port` names."""
    scheme, _, rest = url.partition("://")
    places, mark, options = rest.partition("?")
    user, at, hosts = places.rpartition("@")
    return [f"{CLUSTER_SCHEMES[scheme]}://{user}{at}{host}{mark}{options}" for host in hosts.split(",")]


class Cluster(RedisCluster):
    """A client of a cluster: tsdb.protocol.StoreClient.

    Making one asks the first node that answers for the map. Every method raises redis.exceptions.RedisError.
    """

    IS_CLUSTER = True
    READS_AT_ONCE = False  # one node answers earlier than another

    def __init__(self, url: str, retry: Retry, **options: Any) -> None:
        first, *others = node_urls(url)
        self._may_ask_twice = retry.get_retries() > 0
        self._asker, self._one_asks = Thread(), Lock()
        self._without_slots: dict[str, ClusterNode] = {}
        try:
            super().__init__(url=first, startup_nodes=[_node(url) for url in others], retry=retry, **options)
        except RedisClusterException as error:  # it is no RedisError
            raise RedisConnectionError(str(error)) from error
        self._ask_for_map: Callable[..., None] = self.nodes_manager.initialize

    def execute_command(self, *args: Any, **options: Any) -> Any:
        if args[0] not in _KEYED:
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        [answer] = self.together([args], **options)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def together(self, commands: Sequence[Command], **options: Any) -> list[Any]:
        """Return one answer for each command, as StoreClient.together says. One round trip for each node.

        A command whose slot has moved follows it. After a time-out the commands that are left are not sent.
        """
        answers: list[Any] = [RedisConnectionError("not asked, since another node did not answer")] * len(commands)
        places: Iterable[int] = range(len(commands))
        twice = self._may_ask_twice
        for turn in range(TURNS):
            again: list[int] = []
            lost = False
            for node, mine in self._by_node(commands, places):
                found = _ask(self._client(node), [commands[place] for place in mine], options)
                if isinstance(found[0], RedisTimeoutError):
                    # The next node would take as long, and the caller needs all answers.
                    for place in mine:
                        answers[place] = found[0]
                    self._ask_for_map_aside()
                    return answers
                for place, answer in zip(mine, found, strict=True):
                    answers[place] = answer = self._follow(answer, commands[place], options)
                    lost = lost or isinstance(answer, RedisConnectionError | ClusterDownError)
                    if isinstance(answer, MovedError | TryAgainError):
                        again.append(place)  # it was not carried out
                    elif isinstance(answer, RedisConnectionError) and twice:
                        again.append(place)
            if lost:
                self._ask_for_map_aside()
                twice = False
            places = again
            if not again:
                break
            if turn and not lost:
                time.sleep(PAUSE)
        return answers

    def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return the values of the keys, in order. One round trip for each node."""
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
        """Return a client of each master. Asks for a new map first."""
        # A command to all masters names no slot, so nothing else would notice that the map is old.
        self._ask_for_map_aside()
        return [self._client(node) for node in self.get_primaries()]  # type: ignore[no-untyped-call]

    def probes(self, name: str) -> dict[str, tuple[redis.Redis, str]]:
        """Return a client of each master in the map and a key of its slots, by the master's address.

        It waits for no answer. If a slot has no node, it asks for a new map in the background and raises RedisError.
        """
        keys = [f"{name}:{number}" for number in range(PROBES)]
        masters = self._by_node([("GET", key) for key in keys], range(PROBES))
        return {node.name: (self._client(node), keys[places[0]]) for node, places in masters}

    def ask_for_map(self) -> None:
        """Ask for a new map in the background, unless that is under way."""
        with self._one_asks:
            if not self._asker.is_alive():
                self._asker = Thread(target=self._ask_for_map_now, daemon=True)
                self._asker.start()

    def _each(self, command: str, slots: Sequence[Sequence[Any]]) -> list[Any]:
        return none_failed(self.together([(command, *keys) for keys in slots]))

    def _by_node(self, commands: Sequence[Command], places: Iterable[int]) -> Iterator[tuple[ClusterNode, list[int]]]:
        """Return each node, and the places in `commands` of the commands that go there."""
        by_node: dict[ClusterNode, list[int]] = {}
        for place in places:
            command = commands[place]
            try:
                node = self.nodes_manager.get_node_from_slot(_slot(command[_KEYED[command[0]]]))
            except RedisClusterException as error:
                self._ask_for_map_aside()
                raise RedisConnectionError(str(error)) from error
            by_node.setdefault(node, []).append(place)
        return iter(by_node.items())

    def _follow(self, answer: Any, command: Command, options: dict[str, Any]) -> Any:
        """Return the answer, or the answer of the node that it points to.

        A node that points to another one has not carried the command out.
        """
        if isinstance(answer, MovedError):
            self.nodes_manager.move_slot(answer)
        elif isinstance(answer, AskError):
            answer = _ask(self._client(self._node_of(answer)), [("ASKING",), command], options)[1]
        if isinstance(answer, TryAgainError) and command[0] == "MGET":
            # Some keys are on one node and some on another. A single key is always on one of them.
            values = self.together([("GET", key) for key in command[1:]])
            return next((value for value in values if isinstance(value, Exception)), values)
        return answer

    def _node_of(self, ask: AskError) -> ClusterNode:
        # The map lacks a new node until that has a slot, but its first slot is asked for there while it moves.
        known = self.nodes_manager.get_node(ask.host, ask.port)
        return known or self._without_slots.setdefault(f"{ask.host}:{ask.port}", _node_at(ask.host, ask.port))

    def _client(self, node: ClusterNode) -> redis.Redis:
        return self.get_redis_connection(node)

    def _ask_for_map_aside(self) -> None:
        """Ask for a new map, and wait for it for MAP_PATIENCE seconds at most."""
        self.ask_for_map()
        self._asker.join(MAP_PATIENCE)

    def _ask_for_map_now(self) -> None:
        try:
            self._ask_for_map()
        except (RedisClusterException, RedisError) as error:
            log.warning("the cluster's map cannot be had: %s", error)


_KEYED = {
    **dict.fromkeys(("GET", "SET", "MGET", "DEL", "UNLINK", "EXISTS", "SCARD", "SMEMBERS", "HGETALL", "HMGET"), 1),
    **dict.fromkeys(("EVAL", "EVALSHA"), 3),
}
"""The commands that are sent here, and the place of the key that names the slot. redis-py sends all others."""


def _ask(client: redis.Redis, commands: Sequence[Command], options: dict[str, Any]) -> list[Any]:
    """Return the node's answer to each command. If the node fails, its error stands for each answer."""
    pipeline = client.pipeline(transaction=False)
    for command in commands:
        pipeline.execute_command(*command, **options)  # type: ignore[no-untyped-call]
    try:
        return pipeline.execute(raise_on_error=False)
    except RedisError as error:
        return [error] * len(commands)


def _node(url: str) -> ClusterNode:
    said = parse_url(url)  # type: ignore[no-untyped-call]
    return _node_at(said["host"], said.get("port", 6379))


def _node_at(host: str, port: int) -> ClusterNode:
    return ClusterNode(host, port)  # type: ignore[no-untyped-call]


def _slot(key: Any) -> int:
    return key_slot(key if isinstance(key, bytes) else str(key).encode())


def _by_slot(keys: Sequence[Hashable]) -> list[list[Any]]:
    """Return the keys in groups of one slot each."""
    slots: dict[int, list[Any]] = {}
    for key in keys:
        slots.setdefault(_slot(key), []).append(key)
    return list(slots.values())
