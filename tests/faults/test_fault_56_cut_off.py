"""Fault 56: a cluster's master is cut off from its peers, but not from the service.

It goes on counting until it notices, and what it counts meanwhile is thrown away when it comes back as a replica of the
one that took its place. These are the settings of docs/reliability.md, under which it notices soon.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from tests.clients.live import SINCE, IntakeService, event
from tests.cluster import ClusterServer
from tests.faults.sending import Sending
from tests.network import Network
from tests.servers import wait_for
from tests.service import Answer
from tsdb.series import state_key

NODE_TIMEOUT_MS = 4000
"""Only later than this does a master notice by itself that it is alone. The replicas' lag is noticed within 3 s."""


@pytest.fixture
def network() -> Iterator[Network]:
    network = Network()
    yield network
    network.close()


@pytest.fixture
def cluster(request: pytest.FixtureRequest, network: Network, tmp_path: Path) -> Iterator[ClusterServer]:
    server = ClusterServer(
        tmp_path / "cluster",
        external=request.config.getoption("--external"),
        network=network,
        cluster_node_timeout=str(NODE_TIMEOUT_MS),
        cluster_require_full_coverage="no",
        min_replicas_to_write="1",
        min_replicas_max_lag="1",
    )
    yield server
    server.stop()


@pytest.fixture
def service(cluster: ClusterServer, tmp_path: Path) -> Iterator[IntakeService]:
    service = IntakeService(tmp_path / "intake", workers=2, TSDB_URL=cluster.url)
    yield service
    service.stop()


def ready(service: IntakeService) -> Answer:
    return service.ask("GET", "/readyz", authorization="")


def test_a_master_cut_off_from_its_peers_soon_stops_counting_and_nothing_is_counted_twice(
    network: Network, cluster: ClusterServer, service: IntakeService
) -> None:
    sender = service.new_sender()
    home = cluster.master_of(state_key(sender.project))
    others = (service.new_sender() for _ in range(50))
    [elsewhere] = islice((one for one in others if cluster.master_of(state_key(one.project)) is not home), 1)
    sending, cut, healed = Sending(service, sender), 0.0, 0.0

    def cut_it_off_and_heal() -> None:
        nonlocal cut, healed
        cut = time.monotonic()
        network.cut_off(home.address)
        wait_for(lambda: b"NOREPLICAS" in ready(service).body, "/readyz names NOREPLICAS")
        assert home in cluster.masters()
        wait_for(lambda: len([node for node in cluster.masters() if node is not home]) == 3, "another master")
        # The other master has no replica either, until this one comes back.
        wait_for(lambda: ready(service).status == 200, "/readyz is well")
        assert "NOREPLICAS" in json.loads(ready(service).body)["warnings"][0]
        assert service.stat(sender)
        for _ in range(20):
            assert service.send(elsewhere, event()).status == 200
        healed = time.monotonic()
        network.heal()
        wait_for(lambda: not home.is_master() and cluster.is_well(), "a whole cluster")
        wait_for(lambda: ready(service).json()["warnings"] == [], "/readyz has nothing to say")

    sending.during(cut_it_off_and_heal)
    # The other master was there before it could count: what was acknowledged until then is what the old one counted.
    by_the_old_one = [at for at in sending.acknowledged_at if at < healed]
    assert max(by_the_old_one) - cut < NODE_TIMEOUT_MS / 1000
    found = [service.stat(sender, resolution=resolution) for resolution in SINCE]
    assert found[0] == found[1] == found[2]
    at_stake = [at for at in by_the_old_one if at > cut - 1]  # with the replication lag, which is far below a second
    assert 0 <= len(sending.acknowledged) - found[0] <= len(at_stake)
    assert service.stat(elsewhere) == 20
    assert sending.refused
