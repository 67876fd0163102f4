"""All the errors with which Redis refuses writes are known."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

from tests.servers import free_port
from tsdb.refusals import REFUSALS, refusal, try_to_write
from tsdb.store import Store


def send_together(client: redis.Redis, transaction: bool) -> None:
    pipeline = client.pipeline(transaction=transaction)
    pipeline.set("a", "b")
    pipeline.execute()


def failure_of(call: Callable[..., object], *arguments: object) -> Exception:
    with pytest.raises(redis.RedisError) as failed:
        call(*arguments)
    return failed.value


@pytest.mark.parametrize(
    ("code", "setting"), [("OOM", "maxmemory"), ("NOREPLICAS", "min-replicas-to-write"), ("READONLY", None)]
)
def test_it_is_known_alone_in_a_pipeline_in_a_transaction_and_in_a_script(
    store: Store, code: str, setting: str | None
) -> None:
    client = store.clients.write
    if setting:
        client.config_set(setting, 1)
    else:
        client.replicaof("127.0.0.1", str(free_port()))
    script = "#!lua\nreturn redis.call('SET', KEYS[1], 'x')"
    plain = "return redis.call('SET', KEYS[1], 'x')"
    try:
        assert try_to_write(client) == code
        said = [
            failure_of(client.set, "a", "b"),
            failure_of(send_together, client, False),
            failure_of(send_together, client, True),
            failure_of(client.eval, script, 1, "a"),
            failure_of(client.eval, plain, 1, "a"),
        ]
    finally:
        if setting:
            client.config_set(setting, 0)
        else:
            client.replicaof("NO", "ONE")
    assert [refusal(error) for error in said] == [code] * len(said)
    assert code in REFUSALS


def test_a_full_disk_is_known_by_its_words() -> None:
    text = "MISCONF Errors writing to the AOF file: No space left on device"
    assert refusal(redis.ResponseError(text)) == "MISCONF"
    assert refusal(redis.ResponseError(f"Command # 1 (SET a b) of pipeline caused error: {text}")) == "MISCONF"


@pytest.mark.parametrize(
    "error",
    [
        redis.ConnectionError("Connection refused"),
        redis.ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value"),
        redis.ResponseError("ERR unknown command 'MISCONF'"),
        redis.ResponseError("Command # 1 (SET OOM b) of pipeline caused error: ERR syntax error"),
        None,
    ],
)
def test_no_other_failure_is_taken_for_one(error: Exception | None) -> None:
    assert refusal(error) is None


def test_a_key_that_is_written_to_try_expires(store: Store) -> None:
    assert try_to_write(store.clients.write) is None
    assert 0 < store.clients.write.ttl("ts:ready:0") <= 60
