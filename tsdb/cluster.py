"""A client of a Redis Cluster.

redis-py finds the nodes and keeps the map of which node has which slot. Commands are sent here, because a counter needs
other rules than redis-py's:

- Only a client that may ask twice sends a command again that may have been carried out.
- Many commands are sent to all nodes before the first answer is read.
- A request does not wait long for a new map.
- Every failure is a RedisError.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
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

from tsdb.pipeline import NotAsked, Question, ask_all
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
        self._patience: float = options["socket_timeout"]
        self._late: set[str] = set()  # the names of nodes that did not answer in time when they were last asked
        self._asker, self._one_asks = Thread(), Lock()
        self._without_slots: dict[str, ClusterNode] = {}
        try:
            super().__init__(
                url=first,
                startup_nodes=[_node(url) for url in others],
                retry=retry,
                require_full_coverage=False,  # a slot without a node is nothing to the others
                **options,
            )
        except RedisClusterException as error:  # it is no RedisError
            raise RedisConnectionError(str(error)) from error
        self._ask_for_map: Callable[..., None] = self.nodes_manager.initialize

    def execute_command(self, *args: Any, **options: Any) -> Any:
        if args[0] not in _KEYED:
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        options.pop("keys", None)  # redis-py names them for a cache of answers
        [answer] = self.together([args], **options)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def together(self, commands: Sequence[Command], **options: Any) -> list[Any]:
        """Return one answer for each command, as StoreClient.together says. All nodes are asked at the same time.

        A command whose slot has moved follows it, unless a node did not answer in time. A node that fails, or a slot
        without a node, is the failure of its own commands. Nodes that hang cost one time-out in all.
        """
        answers: list[Any] = [None] * len(commands)
        places: Sequence[int] = range(len(commands))
        twice = self._may_ask_twice
        for turn in range(TURNS):
            late = self._ask(self._by_node(commands, places, answers), commands, answers, options)
            late = late or self._follow(commands, places, answers, options)
            lost = any(isinstance(answers[place], RedisConnectionError | ClusterDownError) for place in places)
            if lost or late:
                self._ask_for_map_aside()
            if late:  # the next turn might take as long, and the caller needs all answers
                break
            # What is to follow its slot was not carried out.
            again = (MovedError, TryAgainError, RedisConnectionError) if twice else (MovedError, TryAgainError)
            places = [place for place in places if isinstance(answers[place], again)]
            twice = twice and not lost
            if not places:
                break
            if turn and not lost:
                time.sleep(PAUSE)
        return answers

    def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return the values of the keys, in order. All nodes are asked at the same time."""
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

    def server_of(self, key: str) -> str:
        """Return the name of the node that has the key, by the map; "" if its slot has no node."""
        try:
            return str(self.nodes_manager.get_node_from_slot(_slot(key)).name)
        except RedisClusterException:
            return ""

    def servers(self) -> list[redis.Redis]:
        """Return a client of each master. Asks for a new map first."""
        # A command to all masters names no slot, so nothing else would notice that the map is old.
        self._ask_for_map_aside()
        return [self._client(node) for node in self.get_primaries()]  # type: ignore[no-untyped-call]

    def probes(self, name: str) -> dict[str, tuple[redis.Redis, str]]:
        """Return a client of each master in the map and a key of its slots, by the master's address.

        It waits for no answer. If a slot has no node, it asks for a new map in the background. Raises RedisError if no
        slot has one.
        """
        found: dict[str, tuple[redis.Redis, str]] = {}
        error = None
        for key in (f"{name}:{number}" for number in range(PROBES)):
            try:
                node = self._node_of_key(key)
            except RedisConnectionError as without:
                error = without
            else:
                found.setdefault(node.name, (self._client(node), key))
        if error:
            self.ask_for_map()
            if not found:
                raise error
        return found

    def ask_for_map(self) -> None:
        """Ask for a new map in the background, unless that is under way."""
        with self._one_asks:
            if not self._asker.is_alive():
                self._asker = Thread(target=self._ask_for_map_now, daemon=True)
                self._asker.start()

    def _each(self, command: str, slots: Sequence[Sequence[Any]]) -> list[Any]:
        return none_failed(self.together([(command, *keys) for keys in slots]))

    def _by_node(
        self, commands: Sequence[Command], places: Iterable[int], answers: list[Any]
    ) -> dict[ClusterNode, list[int]]:
        """Return the places in `commands` of those that go to each node. A slot without a node gets its error."""
        by_node: dict[ClusterNode, list[int]] = {}
        for place in places:
            command = commands[place]
            try:
                by_node.setdefault(self._node_of_key(command[_KEYED[command[0]]]), []).append(place)
            except RedisConnectionError as error:
                answers[place] = error
        return by_node

    def _ask(
        self,
        by_node: Mapping[ClusterNode, Sequence[int]],
        commands: Sequence[Command],
        answers: list[Any],
        options: dict[str, Any],
        *before: Command,
    ) -> bool:
        """Send each node its commands, read what the nodes answer, and put it into `answers`, each at its place.

        `before` is sent before each command. An error of a node stands for each of its commands. Returns whether a node
        did not answer in time.
        """
        questions = {
            node: Question(self._client(node), [one for place in places for one in (*before, commands[place])])
            for node, places in by_node.items()
        }
        # First those that are sent without waiting. The order of the names keeps two threads from waiting for each
        # other's connections.
        nodes = sorted(
            questions, key=lambda node: (not questions[node].is_connected, node.name in self._late, node.name)
        )
        found = ask_all([questions[node] for node in nodes], options, self._patience)
        late = False
        for node, said in zip(nodes, found, strict=True):
            places = by_node[node]
            if isinstance(said, RedisTimeoutError):
                late = True
                if not isinstance(said, NotAsked):
                    self._late.add(node.name)
            else:
                self._late.discard(node.name)
            each = [said] * len(places) if isinstance(said, RedisError) else said[len(before) :: len(before) + 1]
            for place, answer in zip(places, each, strict=True):
                answers[place] = answer
        return late

    def _follow(
        self, commands: Sequence[Command], places: Iterable[int], answers: list[Any], options: dict[str, Any]
    ) -> bool:
        """Ask the nodes that the answers point to. Returns whether one did not answer in time.

        A node that points to another one has not carried the command out.
        """
        asks: dict[ClusterNode, list[int]] = {}
        for place in places:
            answer = answers[place]
            if isinstance(answer, MovedError):
                self.nodes_manager.move_slot(answer)
            elif isinstance(answer, AskError):
                asks.setdefault(self._node_of(answer), []).append(place)
        late = self._ask(asks, commands, answers, options, ("ASKING",))
        for place in places:
            if isinstance(answers[place], TryAgainError) and commands[place][0] == "MGET" and not late:
                # Some keys are on one node and some on another. A single key is always on one of them.
                values = self.together([("GET", key) for key in commands[place][1:]])
                answers[place] = next((value for value in values if isinstance(value, Exception)), values)
                late = isinstance(answers[place], RedisTimeoutError)
        return late

    def _node_of_key(self, key: Any) -> ClusterNode:
        """Return the node that has the key, as the map says. Raises ConnectionError if its slot has none."""
        try:
            return self.nodes_manager.get_node_from_slot(_slot(key))
        except RedisClusterException as error:  # it is no RedisError
            raise RedisConnectionError(str(error)) from error

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
