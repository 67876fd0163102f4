"""The settings under which a failover loses more than it must are named, for one server and for a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster import ClusterServer
from tests.faults.stage import RedisServer
from tests.servers import wait_for
from tsdb.client import connect
from tsdb.failover import failover_dangers
from tsdb.protocol import StoreClient


@pytest.fixture(scope="module")
def start(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], RedisServer]]:
    started: list[RedisServer] = []

    def start() -> RedisServer:
        folder: Path = tmp_path_factory.mktemp("redis")
        started.append(RedisServer(folder, external=request.config.getoption("--external")))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="module")
def replicated(start: Callable[[], RedisServer]) -> RedisServer:
    """A server with a replica."""
    master, replica = start(), start()
    replica.client().replicaof("127.0.0.1", str(master.port))
    wait_for(lambda: master.client().info("replication")["connected_slaves"] == 1, "a replica")
    return master


def client_of(server: RedisServer, user: str = "") -> StoreClient:
    return connect(f"redis://{user}127.0.0.1:{server.port}/0", 2).read


def said(client: StoreClient) -> list[str]:
    """Return the setting with which each text begins."""
    return [danger.split()[0] for danger in failover_dangers(client)]


def test_nothing_is_said_of_a_server_without_replicas(start: Callable[[], RedisServer]) -> None:
    assert failover_dangers(client_of(start())) == []


@pytest.mark.parametrize(
    ("replicas", "lag", "names"),
    [(0, 10, ["min-replicas-to-write"]), (1, 0, ["min-replicas-to-write"]), (1, 10, []), (1, 1, [])],
)
def test_a_server_with_a_replica_must_wait_for_it(
    replicated: RedisServer, replicas: int, lag: int, names: list[str]
) -> None:
    with replicated.client() as client:
        client.config_set("min-replicas-to-write", replicas, "min-replicas-max-lag", lag)
    assert said(client_of(replicated)) == names


def test_a_redis_that_keeps_its_settings_to_itself_is_not_accused(replicated: RedisServer) -> None:
    with replicated.client() as client:
        client.config_set("min-replicas-to-write", 0)
        client.execute_command("ACL", "SETUSER", "managed", "on", "nopass", "~*", "+@all", "-config")
    assert said(client_of(replicated)) == ["min-replicas-to-write"]
    assert said(client_of(replicated, "managed:any@")) == []


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({}, ["cluster-require-full-coverage", "min-replicas-to-write"]),
        ({"min-replicas-to-write": 1}, ["cluster-require-full-coverage", "min-replicas-max-lag"]),
        ({"min-replicas-to-write": 1, "min-replicas-max-lag": 1}, ["cluster-require-full-coverage"]),
        ({"min-replicas-to-write": 1, "min-replicas-max-lag": 1, "cluster-require-full-coverage": "no"}, []),
    ],
)
def test_a_cluster_must_notice_before_a_master_is_replaced(
    cluster: ClusterServer, settings: dict[str, str | int], names: list[str]
) -> None:
    defaults = {"min-replicas-to-write": 0, "min-replicas-max-lag": 10, "cluster-require-full-coverage": "yes"}
    for node in cluster.nodes:
        for name, value in {**defaults, **settings}.items():
            node.ask("CONFIG", "SET", name, value)
    assert said(connect(cluster.url, 2).read) == names


def test_one_master_of_a_cluster_is_enough_to_be_named(cluster: ClusterServer) -> None:
    cluster.masters()[1].ask("CONFIG", "SET", "min-replicas-to-write", 0)
    assert said(connect(cluster.url, 2).read) == ["min-replicas-to-write"]


@pytest.fixture(scope="module")
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterServer]:
    folder = tmp_path_factory.mktemp("cluster")
    server = ClusterServer(folder, external=request.config.getoption("--external"))
    yield server
    server.stop()
