"""A lost reply: Redis carries out a write, the answer is lost, and the write is counted exactly once.

See docs/reliability.md#lost-reply.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from tests.faults.stage import RedisServer, Stage, refuses_for_now
from tests.proxy import Proxy
from tests.tsdb.tools import NOW, TINY, WEB, sums
from tsdb.client import connect
from tsdb.store import Claim, Increment, Store

RESOLUTIONS = ("10s", "1h", "1d")


def test_a_repeat_with_the_same_idempotency_key_is_counted_exactly_once(stage: Stage) -> None:
    stage.proxy.lose_answer_of = b"EVALSHA"
    lost = stage.service.count(7, idempotency_key="batch-1")
    assert refuses_for_now(lost), lost
    assert stage.service.counted() == 7, "it was carried out"
    for _ in range(3):
        again = stage.service.count(7, idempotency_key="batch-1")
        assert (again.status, again.json()) == (201, {"accepted": 7})
    assert [stage.service.counted(resolution) for resolution in RESOLUTIONS] == [7, 7, 7]


def test_a_request_that_never_arrived_is_counted_by_its_repeat(stage: Stage) -> None:
    stage.proxy.lose_request_of = b"EVALSHA"
    assert refuses_for_now(stage.service.count(7, idempotency_key="batch-1"))
    assert stage.service.counted() == 0
    assert stage.service.count(7, idempotency_key="batch-1").status == 201
    assert stage.service.counted() == 7


def test_an_answer_that_comes_too_late_is_a_lost_answer(stage: Stage) -> None:
    stage.proxy.hold_answer_of = b"EVALSHA"
    assert refuses_for_now(stage.service.count(7, idempotency_key="batch-1"))
    stage.proxy.hold_answer_of = b""
    assert stage.service.count(7, idempotency_key="batch-1").status == 201
    assert stage.service.counted() == 7


def test_without_an_idempotency_key_the_service_itself_never_sends_twice(stage: Stage) -> None:
    stage.proxy.lose_answer_of = b"EVALSHA"
    assert refuses_for_now(stage.service.count(7))
    assert stage.proxy.seen(b"EVALSHA") == 1
    assert stage.service.counted() == 7


def test_a_read_whose_answer_is_lost_is_asked_once_more_and_answered(stage: Stage) -> None:
    stage.service.count(7)
    stage.proxy.lose_answer_of = b"MGET"
    assert stage.service.counted() == 7
    assert not stage.proxy.lose_answer_of, "it was lost"


# --- the Redis clients alone ---


@pytest.fixture
def proxied(own_redis: RedisServer) -> Iterator[tuple[Proxy, Store]]:
    with own_redis.client() as client:
        client.flushall()
    with Proxy(own_redis.port) as proxy:
        clients = connect(f"redis://127.0.0.1:{proxy.port}/0", 2)  # a busy machine may be late
        store = Store(clients, TINY)
        store.open(7)
        store.incr([WEB], NOW, now=NOW, amount=100)
        proxy.reset()
        yield proxy, store
        for one in clients:
            one.close()


def test_the_write_client_sends_once_when_the_answer_is_lost(proxied: tuple[Proxy, Store]) -> None:
    proxy, store = proxied
    proxy.lose_answer_of = b"EVALSHA"
    with pytest.raises(RedisConnectionError):
        store.incr([WEB], NOW, now=NOW)
    assert proxy.seen(b"EVALSHA") == 1
    assert sums(store, WEB) == [101, 101, 101]


def test_the_write_client_sends_once_when_the_answer_is_late(proxied: tuple[Proxy, Store]) -> None:
    proxy, store = proxied
    proxy.hold_answer_of = b"EVALSHA"
    with pytest.raises(RedisTimeoutError):
        store.incr([WEB], NOW, now=NOW)
    assert proxy.seen(b"EVALSHA") == 1
    assert sums(store, WEB) == [101, 101, 101]


def test_the_write_client_sends_a_pipeline_once_when_the_answer_is_lost(proxied: tuple[Proxy, Store]) -> None:
    proxy, store = proxied
    store.open(8)
    proxy.reset()
    proxy.lose_answer_of = b"EVALSHA"
    with pytest.raises(RedisConnectionError):
        store.incr_multi([Increment(WEB, NOW), Increment(WEB._replace(project=8), NOW)], now=NOW)
    assert proxy.seen(b"EVALSHA") == 2, "once each"
    assert sums(store, WEB) == [101, 101, 101]
    assert sums(store, WEB._replace(project=8)) == [1, 1, 1]


def test_the_read_client_asks_once_more_and_no_more(proxied: tuple[Proxy, Store]) -> None:
    proxy, store = proxied
    proxy.lose_answer_of = b"MGET"
    assert sums(store, WEB) == [100, 100, 100]
    assert proxy.seen(b"MGET") == 4, "one for each resolution, and the lost one again"
    proxy.reset()
    proxy.hold_answer_of = b"MGET"
    with pytest.raises(RedisTimeoutError):
        sums(store, WEB)
    assert proxy.seen(b"MGET") == 1, "a second wait would take as long again"


@pytest.mark.parametrize("fault", ["lose_request_of", "lose_answer_of"])
def test_with_a_claim_any_number_of_losses_and_repeats_count_once(proxied: tuple[Proxy, Store], fault: str) -> None:
    proxy, store = proxied
    for _ in range(5):
        setattr(proxy, fault, b"EVALSHA")
        with pytest.raises(RedisError):
            store.incr_multi([Increment(WEB, NOW)], now=NOW, claim=Claim("a", "x", 60))
    store.incr_multi([Increment(WEB, NOW)], now=NOW, claim=Claim("a", "x", 60))
    assert sums(store, WEB) == [101, 101, 101]
