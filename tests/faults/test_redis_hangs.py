"""A Redis that accepts connections and never answers: a request waits at most a second, then its thread is free.

See docs/reliability.md#redis-hangs.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from tests.faults.stage import Stage, fastest, refuses_for_now


def test_a_request_waits_a_second_at_most(stage: Stage) -> None:
    stage.redis.hang()
    for ask in (stage.service.stats, partial(stage.service.stats, stat="localhost"), stage.service.count):
        answer = fastest(ask, 1)
        assert refuses_for_now(answer), answer
        assert answer.seconds <= 1


def test_a_request_waits_a_second_at_most_where_the_store_alone_hangs(stage: Stage) -> None:
    stage.proxy.hold_answer_of = b"ts:"
    for ask in (stage.service.stats, partial(stage.service.stats, stat="localhost"), stage.service.count):
        answer = fastest(ask, 1)
        assert refuses_for_now(answer), answer
        assert answer.seconds <= 1


def test_readiness_tells_within_its_own_time(stage: Stage) -> None:
    stage.redis.hang()
    stage.service.wait_for_ready(lambda ready: list(ready.json()["failed"]) == ["redis"], "Redis alone has failed")
    ready = fastest(stage.service.ready, 1)
    assert ready.status == 503
    assert ready.seconds <= 1


def test_the_threads_are_free_again_afterwards(stage: Stage) -> None:
    stage.redis.hang()
    with ThreadPoolExecutor(12) as clients:
        answers = list(clients.map(lambda _: stage.service.stats(), range(12)))
    assert all(refuses_for_now(answer) for answer in answers)
    assert fastest(partial(stage.service.ask, "GET", "/healthz", authorization=""), 1).seconds < 1
    stage.redis.go_on()
    for _ in range(8):
        assert stage.service.stats().status == 200
    assert stage.service.count(2).status == 201
    assert stage.service.counted() == 2
