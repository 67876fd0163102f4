"""A Redis Cluster that loses a master or moves a slot: errors are bounded, and nothing is counted twice.

See docs/reliability.md#a-redis-cluster.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import pytest

from tests.clients.live import IntakeService, Sender, event
from tests.cluster import ClusterServer, Node
from tests.faults.sending import LONGEST, TIMEOUT, Sending, send_until_acknowledged
from tests.faults.stage import refuses_for_now
from tests.servers import wait_for
from tests.service import SINCE
from tsdb.series import claim_key, state_key


@pytest.fixture(scope="module")
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterServer]:
    server = ClusterServer(tmp_path_factory.mktemp("cluster"), external=request.config.getoption("--external"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def service(cluster: ClusterServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[IntakeService]:
    settings = {"TSDB_URL": cluster.url, "TSDB_TIMEOUT": str(TIMEOUT)}
    service = IntakeService(tmp_path_factory.mktemp("intake"), workers=2, **settings)
    yield service
    service.stop()


@pytest.fixture
def sender(service: IntakeService) -> Sender:
    return service.new_sender()


def stats_of(sender: Sender) -> str:
    return f"/api/0/projects/acme/{sender.slug}/stats/"


def counted(service: IntakeService, sender: Sender) -> list[int]:
    """Return what was received at each resolution."""
    return [service.stat(sender, resolution=resolution) for resolution in SINCE]


def test_projects_on_all_nodes_are_counted_read_and_deleted(cluster: ClusterServer, service: IntakeService) -> None:
    senders = [service.new_sender() for _ in range(12)]
    assert {cluster.master_of(state_key(sender.project)) for sender in senders} == set(cluster.masters())
    for number, sender in enumerate(senders, start=1):
        for _ in range(number):
            assert service.send(sender, event()).status == 200
    assert [counted(service, sender) for sender in senders] == [[number] * 3 for number in range(1, 13)]
    since = "field=sum(quantity)&category=error&statsPeriod=1d"
    answer = service.ask("GET", f"/api/0/organizations/acme/stats_v2/?{since}&groupBy=project&groupBy=outcome").json()
    sums = {group["by"]["project"]: group["totals"]["sum(quantity)"] for group in answer["groups"]}
    assert sums == {sender.project: number for number, sender in enumerate(senders, start=1)}
    [whole] = service.ask("GET", f"/api/0/organizations/acme/stats_v2/?{since}").json()["groups"]
    assert whole["totals"] == {"sum(quantity)": sum(range(1, 13))}
    for sender in senders:
        assert service.ask("DELETE", f"/api/0/projects/acme/{sender.slug}/").status == 204
        assert cluster.all_keys(f"*{{{sender.project}}}*") == []


def test_counts_move_into_a_project_on_another_node(cluster: ClusterServer, service: IntakeService) -> None:
    source = service.new_sender()
    others = (service.new_sender() for _ in range(50))
    home = cluster.master_of(state_key(source.project))
    [into] = islice((one for one in others if cluster.master_of(state_key(one.project)) is not home), 1)
    for sender in (source, source, into):
        assert service.send(sender, event()).status == 200
    answer = service.ask("POST", f"/api/0/projects/acme/{source.slug}/merge/", {"into": into.slug})
    assert answer.status == 200
    assert [counted(service, sender) for sender in (source, into)] == [[0] * 3, [3] * 3]


def test_a_slot_is_moved_while_its_project_and_another_are_used(
    cluster: ClusterServer, service: IntakeService, sender: Sender
) -> None:
    key = state_key(sender.project)
    home = cluster.master_of(key)
    [elsewhere, *_] = [node for node in cluster.masters() if node is not home]
    neighbours = (service.new_sender() for _ in range(50))
    [neighbour] = islice((one for one in neighbours if cluster.master_of(state_key(one.project)) is home), 1)
    for _ in range(7):
        assert service.send(neighbour, event()).status == 200
    sending, ended = Sending(service, sender), threading.Event()

    def move_around() -> None:
        # One of them is a node that the service does not know yet.
        for to in (elsewhere, cluster.add_master(), home):
            cluster.move_slot(key, to)
            assert service.stat(sender)
            assert cluster.master_of(key) is to
        ended.set()

    def read_the_neighbour(_: int) -> set[int]:
        return {service.stat(neighbour) for _ in iter(ended.is_set, True)}

    with ThreadPoolExecutor(2) as readers:
        read = [readers.submit(read_the_neighbour, number) for number in range(2)]
        try:
            sending.during(move_around)
        finally:
            ended.set()
    assert [one.result() for one in read] == [{7}] * 2
    assert counted(service, sender) == [len(sending.acknowledged)] * 3
    wait_for(cluster.is_well, "a whole cluster")


@pytest.mark.once  # Redis has no such command
def test_a_slot_with_many_remembered_ids_is_moved_whole_and_nobody_is_refused(
    cluster: ClusterServer, service: IntakeService, sender: Sender
) -> None:
    assert service.send(sender, event()).status == 200
    home = cluster.master_of(state_key(sender.project))
    [elsewhere, *_] = [node for node in cluster.masters() if node is not home]
    # Moved one by one they take 0.5 s, and every new event is refused meanwhile.
    remembered = (
        word for number in range(10_000) for word in (claim_key(sender.project, f"{number:032x}"), "accepted")
    )
    home.ask("MSET", *remembered)
    sending = Sending(service, sender)
    sending.during(lambda: cluster.move_slot_whole(state_key(sender.project), elsewhere))
    assert sending.refused == []
    assert counted(service, sender) == [1 + len(sending.acknowledged)] * 3
    assert service.send(sender, event(f"{7:032x}")).status == 200
    assert counted(service, sender) == [1 + len(sending.acknowledged)] * 3


def test_while_a_master_hangs_projects_on_the_others_are_served(
    cluster: ClusterServer, service: IntakeService, sender: Sender
) -> None:
    hanging = cluster.master_of(state_key(sender.project))
    senders = (service.new_sender() for _ in range(50))
    [other] = islice((one for one in senders if cluster.master_of(state_key(one.project)) is not hanging), 1)
    for one in (sender, other):
        assert service.send(one, event()).status == 200
    hanging.server.pause()
    try:
        with ThreadPoolExecutor(8) as clients:
            hung = [clients.submit(service.send, sender, event()) for _ in range(8)]
            answers = [service.send(other, event()) for _ in range(20)]
        assert [answer.status for answer in answers] == [200] * 20
        assert all(one.result().seconds < LONGEST for one in hung)
        wait_for(lambda: service.send(sender, event()).status == 200, "another master")
    finally:
        hanging.server.resume()
    wait_for(cluster.is_well, "a whole cluster")


def test_a_cluster_that_hangs_as_a_whole_holds_nobody_up_for_long(
    cluster: ClusterServer, service: IntakeService, sender: Sender
) -> None:
    assert service.send(sender, event()).status == 200
    for node in cluster.nodes:
        node.server.pause()
    try:
        with ThreadPoolExecutor(24) as clients:
            writes = [clients.submit(service.send, sender, event()) for _ in range(12)]
            reads = [clients.submit(service.ask, "GET", stats_of(sender)) for _ in range(12)]
            answers = [one.result() for one in writes + reads]
    finally:
        for node in cluster.nodes:
            node.server.resume()
    assert all(refuses_for_now(answer) and answer.seconds < LONGEST for answer in answers)
    wait_for(cluster.is_well, "a whole cluster")
    wait_for(lambda: service.send(sender, event()).status == 200, "an event")


def test_a_master_is_killed_and_nothing_is_counted_twice(  # the last test but one, because the master stays dead
    cluster: ClusterServer, service: IntakeService, sender: Sender
) -> None:
    sending = Sending(service, sender)
    # Only now: nodes that hung, or a machine that did, may still choose another master.
    sending.during(lambda: cluster.master_of(state_key(sender.project)).server.stop(signal.SIGKILL))
    # A worker that sent nothing meanwhile may not have noticed yet.
    wait_for(lambda: {service.ask("GET", stats_of(sender)).status for _ in range(8)} == {200}, "reading")
    # Events acknowledged at the last moment may be lost with the master, before its replica received them.
    first = counted(service, sender)
    assert first[0] == first[1] == first[2] <= len(sending.acknowledged)
    assert first[0] >= 400
    assert sending.refused
    service.wait_for_ready(lambda ready: ready.status == 200, "all is well")
    # Then their ids are lost too, so sending all events again restores the counts and doubles nothing.
    for name in sending.acknowledged:
        send_until_acknowledged(service, sender, event(name))
    assert counted(service, sender) == [len(sending.acknowledged)] * 3


def test_readyz_tells_a_cluster_that_is_down_from_one_of_which_a_part_is_missing(
    cluster: ClusterServer, service: IntakeService
) -> None:
    def said() -> tuple[int, str, str]:
        answer = service.ready()
        assert answer.seconds < LONGEST
        body = answer.json()
        why = " ".join(body["reads"]["why"])
        assert body["reads"]["works"] == (answer.status == 200)
        return answer.status, body["status"], why

    wait_for(lambda: said() == (200, "ok", ""), "a whole cluster")
    dead = {node for node in cluster.nodes if node.server.process.poll() is not None}
    masters = {node for node in cluster.nodes if node not in dead and node.is_master()}
    alone = next(node for node in cluster.nodes if node in masters and not has_replica(node))
    alone.server.stop(signal.SIGKILL)
    wait_for(lambda: said() == (503, "unavailable", "redis: the cluster is down"), "that the others notice")
    for node in set(cluster.nodes) - dead - {alone}:
        node.ask("CONFIG", "SET", "cluster-require-full-coverage", "no")
    wait_for(lambda: said()[:2] == (200, "degraded"), "that the rest is served")
    wait_for(lambda: "slots of the cluster have no master" in said()[2], "what is missing")


def has_replica(master: Node) -> bool:
    return bool(master.ask("ROLE")[2])
