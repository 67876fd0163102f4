"""A Redis that is a read-only replica: counting is 503, reads go on, and counting works again after the promotion.

See docs/reliability.md#redis-replica.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clients.live import Connection, Sender, event
from tests.faults.stage import Stage, refuses_for_now
from tests.servers import free_port


@pytest.fixture
def replica(stage: Stage) -> Iterator[Stage]:
    """Turn the Redis server into a replica of a server that is down, as after a failover."""
    assert stage.service.count(3).status == 201
    with stage.redis.client() as client:
        client.replicaof("127.0.0.1", str(free_port()))
        yield stage
        client.replicaof("NO", "ONE")


def test_nothing_is_acknowledged_and_what_was_counted_is_read(replica: Stage, web: Sender) -> None:
    with Connection(replica.service.port) as connection:
        assert refuses_for_now(connection.send(web, event()))
        assert refuses_for_now(connection.send(web, b"no envelope"))
    assert refuses_for_now(replica.service.count())
    assert replica.service.counted() == 3


def test_it_counts_again_after_promotion(replica: Stage, web: Sender) -> None:
    assert refuses_for_now(replica.service.count())
    with replica.redis.client() as client:
        client.replicaof("NO", "ONE")
    assert replica.service.count().status == 201
    with Connection(replica.service.port) as connection:
        assert connection.send(web, event()).status == 200
    assert replica.service.counted() == 5


def test_reads_are_answered_when_nothing_is_known_and_nothing_can_be_kept(stage: Stage) -> None:
    assert stage.service.count(3).status == 201
    with stage.redis.client() as client:
        stage.redis.forget_known()
        client.replicaof("127.0.0.1", str(free_port()))
        assert stage.service.counted() == 3
        client.replicaof("NO", "ONE")
        stage.redis.forget_known()
        client.config_set("min-replicas-to-write", 1)
        try:
            assert stage.service.counted() == 3
            assert refuses_for_now(stage.service.count())
        finally:
            client.config_set("min-replicas-to-write", 0)
    assert stage.service.count().status == 201
