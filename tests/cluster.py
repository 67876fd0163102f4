"""A Redis Cluster on this machine: three masters with one replica each."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import redis
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from tests.network import Network
from tests.servers import Server, free_port, redis_binary, start_redis, wait_for
from tsdb.embedded import _find_server

MASTERS = 3
NODE_TIMEOUT_MS = 2000
"""Milliseconds without a sign of life after which a master is replaced; the default of Redis is 15 s."""


class Node:
    """One server of the cluster.

    The other nodes reach it at `port` and `bus`. With a network it connects to them from `address`.
    """

    def __init__(self, folder: Path, binary: str, network: Network | None, settings: Mapping[str, str]) -> None:
        port, bus = self.port, self.bus = free_port(), free_port()
        options = ["--cluster-enabled", "yes", "--cluster-port", str(bus), "--cluster-announce-ip", "127.0.0.1"]
        # A master stays a master when its last slot has moved away.
        options += ["--cluster-allow-replica-migration", "no"]
        # Otherwise a master waits 5 s for more replicas before it sends a copy to the first one.
        options += ["--repl-diskless-sync-delay", "0"]
        if network:
            self.address = network.new_address()
            self.port, self.bus = network.gate(self.address, port), network.gate(self.address, bus)
            options += ["--bind-source-addr", self.address]
            options += ["--cluster-announce-port", str(self.port), "--cluster-announce-bus-port", str(self.bus)]
        options += [word for name, value in settings.items() for word in (f"--{name}", value)]
        self.server: Server
        self.server, _ = start_redis(folder, *options, port=port, binary=binary)
        self._client = redis.Redis(port=port, socket_timeout=5)

    def ask(self, *command: Any) -> Any:
        return self._client.execute_command(*command)  # type: ignore[no-untyped-call]

    @property
    def id(self) -> str:
        return str(self.ask("CLUSTER", "MYID").decode())

    def is_master(self) -> bool:
        with suppress(redis.RedisError):
            return bool(self.ask("ROLE")[0] == b"master")
        return False


class ClusterServer:
    """A running cluster.

    Its servers are Redis from PATH if `external` is true, else the Valkey of the embedded server. With a `network` its
    nodes can be cut off from each other. `settings` are settings of Redis for every node.
    """

    def __init__(self, folder: Path, *, external: bool, network: Network | None = None, **settings: str) -> None:
        self._folder, self._binary = folder, redis_binary() if external else str(_find_server())
        self._network = network
        named = {name.replace("_", "-"): value for name, value in settings.items()}
        self._settings = {"cluster-node-timeout": str(NODE_TIMEOUT_MS), **named}
        self.nodes: list[Node] = []
        try:
            self._build()
        except BaseException:
            self.stop()
            raise

    def _build(self) -> None:
        for _ in range(2 * MASTERS):
            self._start_node()
        first = self.nodes[0]
        share = REDIS_CLUSTER_HASH_SLOTS // MASTERS
        for number, node in enumerate(self.nodes):
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            if node is not first:
                node.ask("CLUSTER", "MEET", "127.0.0.1", first.port, first.bus)
            if number < MASTERS:
                last = REDIS_CLUSTER_HASH_SLOTS - 1 if number == MASTERS - 1 else (number + 1) * share - 1
                node.ask("CLUSTER", "ADDSLOTSRANGE", number * share, last)
        wait_for(self._all_know_all, "the nodes' meeting")
        for master, replica in zip(self.nodes[:MASTERS], self.nodes[MASTERS:], strict=True):
            replica.ask("CLUSTER", "REPLICATE", master.id)
        wait_for(self.is_well, "a whole cluster")

    def _start_node(self) -> Node:
        node = Node(self._folder / str(len(self.nodes)), self._binary, self._network, self._settings)
        self.nodes.append(node)
        return node

    def add_master(self) -> Node:
        """Start another master without slots, and return it."""
        node = self._start_node()
        node.ask("CLUSTER", "MEET", "127.0.0.1", self.nodes[0].port, self.nodes[0].bus)
        wait_for(self._all_know_all, "the new node's meeting")
        wait_for(self.is_well, "a whole cluster")
        return node

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes[:MASTERS])

    def _all_know_all(self) -> bool:
        return all(len(node.ask("CLUSTER", "NODES").splitlines()) == len(self.nodes) for node in self.nodes)

    def is_well(self) -> bool:
        """Return whether all nodes agree on who serves which slots, all are served, and all replicas are connected."""
        with suppress(redis.RedisError):
            roles = [node.ask("ROLE") for node in self.nodes]  # one may change while it is asked twice
            said = [node.ask("CLUSTER", "INFO") for node in self.nodes]
            # The state is ok too while nodes serve in part. The slots tell which nodes are missed.
            # And a node that hung may take itself for the master that another one has become, or believe the old one.
            maps = {
                tuple(sorted((first, last, master[1]) for first, last, master, *_ in node.ask("CLUSTER", "SLOTS")))
                for node in self.nodes
            }
            return (
                all(b"cluster_state:ok" in one and b"cluster_slots_ok:16384" in one for one in said)
                and len(maps) == 1
                and all(role[0] == b"master" or role[3] == b"connected" for role in roles)
            )
        return False

    def masters(self) -> list[Node]:
        return [node for node in self.nodes if node.is_master()]

    def master_of(self, key: str) -> Node:
        slot = key_slot(key.encode())
        for first, last, (_, port, *_), *_ in self.masters()[0].ask("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return next(node for node in self.nodes if node.port == port)
        raise LookupError(key)

    def all_keys(self, pattern: str = "*") -> list[str]:
        """Return the keys of all masters."""
        return [key.decode() for node in self.masters() for key in node.ask("KEYS", pattern)]

    def move_slot(self, key: str, to: Node) -> None:
        """Move the slot of the key as `redis-cli --cluster reshard` does: some keys at a time, while it is in use."""
        source, slot = self.master_of(key), key_slot(key.encode())
        to.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
        source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", to.id)
        while found := source.ask("CLUSTER", "GETKEYSINSLOT", slot, 10):
            source.ask("MIGRATE", "127.0.0.1", to.port, "", 0, 5000, "KEYS", *found)
            time.sleep(0.01)
        for node in (to, source, *(node for node in self.masters() if node not in (to, source))):
            node.ask("CLUSTER", "SETSLOT", slot, "NODE", to.id)

    def move_slot_whole(self, key: str, to: Node) -> None:
        """Move the slot of the key as a whole, which Valkey can do from version 9 on."""
        slot = key_slot(key.encode())
        self.master_of(key).ask("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", to.id)
        wait_for(lambda: self.master_of(key) is to, "the slot's move")

    def stop(self) -> None:
        for node in self.nodes:
            node.server.stop()
