"""Redis that is down: nothing is invented, nothing is acknowledged, and the service recovers by itself.

See docs/reliability.md#redis-down-reads and docs/reliability.md#redis-down-writes.
"""

from __future__ import annotations

from functools import partial

from tests.faults.stage import Stage, fastest, refuses_for_now
from tests.servers import wait_for


def test_a_read_is_refused_at_once_and_never_answered_with_zeros(stage: Stage) -> None:
    assert stage.service.count(5).status == 201
    stage.redis.stop()
    for query in ({}, {"resolution": "10s"}, {"stat": "localhost"}, {"stat": "generated"}):
        answer = fastest(partial(stage.service.stats, **query), 1)
        assert refuses_for_now(answer), answer
        assert answer.seconds < 1
    stage.redis.start()
    assert stage.service.counted() == 5


def test_a_read_is_refused_at_once_where_the_store_alone_is_away(stage: Stage) -> None:
    stage.proxy.refuse = True
    answer = fastest(stage.service.stats, 1)
    assert refuses_for_now(answer), answer
    assert answer.seconds < 1


def test_it_is_not_ready_but_alive(stage: Stage) -> None:
    stage.redis.stop()
    stage.service.wait_for_ready(lambda ready: list(ready.json()["failed"]) == ["redis"], "Redis alone has failed")
    ready = fastest(stage.service.ready, 1)
    assert ready.status == 503
    assert ready.seconds < 1
    alive = stage.service.ask("GET", "/healthz", authorization="")
    assert alive.status == 200
    stage.redis.start()
    stage.service.wait_for_ready(lambda ready: ready.status == 200, "all is well")


def test_intake_is_refused_and_nothing_counted(stage: Stage) -> None:
    stage.redis.stop()
    for headers in ({}, {"idempotency_key": "a"}):
        answer = fastest(partial(stage.service.count, 3, **headers), 1)
        assert refuses_for_now(answer), answer
        assert answer.seconds < 1
    stage.redis.start()
    assert stage.service.counted() == 0
    # The refused request did not use up its key.
    assert stage.service.count(3, idempotency_key="a").status == 201
    assert stage.service.counted() == 3


def counts_once(stage: Stage, name: str) -> bool:
    """Return whether it counts. What was counted although its answer came late is not counted again."""
    return stage.service.count(idempotency_key=name).status == 201


def test_it_recovers_by_itself_after_each_of_several_outages(stage: Stage) -> None:
    for outage in range(1, 4):
        stage.redis.stop()
        assert refuses_for_now(stage.service.count())
        stage.redis.start()
        # Every thread of the server may still hold a connection to the stopped Redis.
        for _ in range(8):
            assert stage.service.stats().status == 200
        wait_for(partial(counts_once, stage, f"outage {outage}"), "counting again", 5)
        assert stage.service.counted() == outage


def test_the_log_says_what_failed_without_a_traceback(stage: Stage) -> None:
    before = stage.service.log.stat().st_size
    stage.redis.stop()
    assert stage.service.stats().status == 503
    said = stage.service.log.read_bytes()[before:].decode()
    assert "ConnectionError" in said
    assert "Traceback" not in said
