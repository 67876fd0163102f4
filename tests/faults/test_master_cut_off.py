"""A master of a cluster that is cut off from its peers, but not from the service.

The master goes on counting until it notices. Its counts of that time are thrown away when it comes back as a replica of
its successor. With the settings of docs/reliability.md#the-settings it notices soon.
See docs/reliability.md#cluster-partition.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from tests.clients.live import IntakeService, Sender, event
from tests.cluster import ClusterServer
from tests.faults.sending import TIMEOUT, Sending
from tests.faults.stage import RedisServer, Stage, refuses_for_now
from tests.network import Network
from tests.servers import ROOT, wait_for
from tests.service import SINCE
from tsdb.client import connect
from tsdb.failover import failover_dangers
from tsdb.series import state_key

SETTINGS = ROOT / "docs" / "cluster-node.conf"
NODE_TIMEOUT = 5.0
"""Seconds, as in the file. A master notices within 3 s that no replica follows it, and only after this time that it is
alone."""

PATIENCE = 60
"""Seconds to wait. /readyz gives Redis 0.2 s, which a busy machine may miss many times."""


@pytest.fixture
def network() -> Iterator[Network]:
    network = Network()
    yield network
    network.close()


@pytest.fixture
def cluster(request: pytest.FixtureRequest, network: Network, tmp_path: Path) -> Iterator[ClusterServer]:
    external = request.config.getoption("--external")
    server = ClusterServer(tmp_path / "cluster", external=external, network=network, include=str(SETTINGS))
    yield server
    server.stop()


@pytest.fixture
def service(cluster: ClusterServer, tmp_path: Path) -> Iterator[IntakeService]:
    service = IntakeService(tmp_path / "intake", workers=2, TSDB_URL=cluster.url, TSDB_TIMEOUT=str(TIMEOUT))
    yield service
    service.stop()


def stats_of(sender: Sender) -> str:
    return f"/api/0/projects/acme/{sender.slug}/stats/"


def serves_and_names(service: IntakeService, code: bytes) -> bool:
    answer = service.ready()
    return answer.status == 200 and code in answer.body


def test_a_master_cut_off_from_its_peers_soon_stops_counting_and_nothing_is_counted_twice(
    network: Network, cluster: ClusterServer, service: IntakeService
) -> None:
    sender = service.new_sender()
    home = cluster.master_of(state_key(sender.project))
    others = (service.new_sender() for _ in range(50))
    [elsewhere] = islice((one for one in others if cluster.master_of(state_key(one.project)) is not home), 1)
    assert failover_dangers(connect(cluster.url, 2).read) == []
    sending, cut, healed = Sending(service, sender), 0.0, 0.0

    def cut_it_off_and_heal() -> None:
        nonlocal cut, healed
        cut = time.monotonic()
        network.cut_off(home.address)
        service.wait_for_ready(lambda ready: b"NOREPLICAS" in ready.body, "NOREPLICAS", PATIENCE)
        assert home in cluster.masters()
        wait_for(lambda: len([node for node in cluster.masters() if node is not home]) == 3, "another master", PATIENCE)
        # The new master has no replica either, until the old one comes back.
        wait_for(lambda: serves_and_names(service, b"NOREPLICAS"), "reading", PATIENCE)
        # The first request of a worker may still go to the old master, which answers that it is alone.
        wait_for(lambda: service.ask("GET", stats_of(sender)).status == 200, "reading", PATIENCE)
        for _ in range(20):
            assert service.send(elsewhere, event()).status == 200
        healed = time.monotonic()
        network.heal()
        wait_for(lambda: not home.is_master() and cluster.is_well(), "a whole cluster", PATIENCE)
        service.wait_for_ready(lambda ready: ready.json()["warnings"] == [], "no warnings", PATIENCE)

    sending.during(cut_it_off_and_heal)
    # The new master could not count before the network was back, so until then the old one counted all.
    by_the_old_one = [at for at in sending.acknowledged_at if at < healed]
    assert max(by_the_old_one) - cut < NODE_TIMEOUT
    found = [service.stat(sender, resolution=resolution) for resolution in SINCE]
    assert found[0] == found[1] == found[2]
    at_stake = [at for at in by_the_old_one if at > cut - 1]  # with the replication lag, far below a second
    assert 0 <= len(sending.acknowledged) - found[0] <= len(at_stake)
    assert service.stat(elsewhere) == 20
    assert sending.refused


def test_one_redis_stops_counting_when_its_replica_was_promoted_behind_its_back(
    request: pytest.FixtureRequest, stage: Stage, tmp_path: Path
) -> None:
    replica = RedisServer(tmp_path / "replica", external=request.config.getoption("--external"))
    master = stage.redis.client()
    try:
        master.config_set("repl-diskless-sync-delay", 0)
        replica.client().replicaof("127.0.0.1", str(stage.redis.port))
        wait_for(lambda: replica.client().info("replication")["master_link_status"] == "up", "a copy")
        master.config_set("min-replicas-to-write", 1, "min-replicas-max-lag", 1)
        wait_for(lambda: stage.service.count().status == 201, "a replica that follows")
        acknowledged = stage.service.counted()
        # WAIT covers what was written before the last command of its own connection, so it needs one after the counts.
        master.ping()
        assert master.wait(1, 5000) == 1
        replica.client().replicaof("NO", "ONE")
        wait_for(lambda: refuses_for_now(stage.service.count()), "a refusal")
        stage.service.wait_for_ready(lambda ready: b"NOREPLICAS" in ready.body, "NOREPLICAS")
        lost = stage.service.counted() - acknowledged
        # The address now leads to the new master. Earlier connections still work, and lead to the old one.
        stage.proxy.target = replica.port
        there = [acknowledged]

        def count_there() -> None:
            once = uuid.uuid4().hex  # a count that was answered 503 on a busy machine is not repeated
            wait_for(lambda: stage.service.count(idempotency_key=once).status == 201, "counting there")
            there[0] += 1

        def all_workers_are_there() -> bool:
            for _ in range(8):
                count_there()
            return {stage.service.counted() for _ in range(8)} == {there[0]}

        wait_for(all_workers_are_there, "counting and reading there")
        assert lost < 100  # the counts of a moment; without the settings there would be no limit
    finally:
        master.config_set("min-replicas-to-write", 0)
        stage.proxy.target = stage.redis.port
        replica.stop()
