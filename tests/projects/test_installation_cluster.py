"""The mark of an installation, and the check whether Redis takes writes, on a Redis Cluster."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from projects import installation
from projects.models import Project
from tests.cluster import ClusterServer
from tsdb import pairing
from tsdb.client import connect
from tsdb.outcomes import Category, Outcome
from tsdb.pairing import Mark
from tsdb.refusals import try_to_write
from tsdb.series import total
from tsdb.store import Store

NOW = 1_541_455_203


@pytest.fixture(scope="module")
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterServer]:
    folder, external = tmp_path_factory.mktemp("cluster"), request.config.getoption("--external")
    # On a busy machine a master may be silent for half a second, and no test here wants it replaced.
    server = ClusterServer(folder, external=external)
    yield server
    server.stop()


@pytest.fixture
def spread(cluster: ClusterServer, store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The cluster's store, emptied, as the store of this installation."""
    clients = connect(cluster.url, 5)
    clients.write.flushdb()
    spread = Store(clients, store.rollups)
    monkeypatch.setattr(installation, "get_store", lambda: spread)
    return spread


@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_master_that_takes_no_writes_is_found(cluster: ClusterServer, spread: Store, place: int) -> None:
    assert try_to_write(spread.clients.write) is None
    node = cluster.masters()[place]
    node.ask("CONFIG", "SET", "maxmemory", "1")
    try:
        assert try_to_write(spread.clients.write) == "OOM"
    finally:
        node.ask("CONFIG", "SET", "maxmemory", "0")


@pytest.mark.django_db(transaction=True)
def test_a_cluster_is_paired_compared_and_taken_over_as_one_server_is(
    cluster: ClusterServer, spread: Store, project: Project
) -> None:
    assert installation.pair() == installation.look() == []
    for number in range(project.pk, project.pk + 60):
        spread.open(number)
        spread.incr([total(number, Category.ERROR, Outcome.ACCEPTED)], NOW, now=NOW)
    installation.note_project(project.pk)
    pairing.replace(spread.clients.write, Mark("f" * 32, 1, 1))
    assert [finding.kind for finding in installation.look()] == [installation.Kind.FOREIGN]
    assert len(installation.counted().unknown) == 59
    installation.take_over(keep_known=True)
    assert installation.look() == []
    left = {key.partition("}")[0] for key in cluster.all_keys("ts:{*")}
    assert left == {f"ts:{{{project.pk}"}
