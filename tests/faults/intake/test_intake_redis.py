"""Intake while Redis is down, loses its answer, is full, or cannot say what is left of a quota.

See docs/reliability.md#redis-down-writes, docs/reliability.md#lost-reply, docs/reliability.md#redis-full and
docs/reliability.md#quota-store.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.clients.live import Connection, Sender, event
from tests.faults.stage import Stage, in_time, refuses_for_now
from tests.service import SINCE, Answer
from tsdb.series import claim_key, quota_key

EVENT_ID = "fc6d8c0c43fc4630ad850ee518f1b9d0"
REPORT = b'{"csp-report": {"effective-directive": "img-src", "blocked-uri": "http://example.com/x.png"}}'
WINDOW = 86400
Send = Callable[..., Answer]


@pytest.fixture
def send(stage: Stage, web: Sender) -> Send:
    """Return a function that sends to the project `web`, which every worker knows by then."""

    def send(body: bytes | None = None, endpoint: str = "envelope", **headers: str) -> Answer:
        with Connection(stage.service.port) as connection:
            return connection.send(web, event() if body is None else body, endpoint, **headers)

    for _ in range(30):  # which worker takes a connection is chance
        assert in_time(lambda: send(b'{}\n{"type":"session"}\n{}\n')).status == 200
    stage.proxy.reset()
    return send


def counted(stage: Stage, **query: Any) -> list[int]:
    """Return what was received at each resolution."""
    sums = []
    for resolution, seconds in SINCE.items():
        answer = stage.service.stats(resolution=resolution, since=time.time() - seconds, **query)
        assert answer.status == 200, answer
        sums.append(sum(count for _, count in answer.json()))
    return sums


def test_while_redis_is_down_nothing_is_acknowledged_and_nothing_counted(stage: Stage, send: Send) -> None:
    stage.redis.stop()
    for answer in (
        send(event(EVENT_ID)),
        send(b'{"message":"hello"}', "store"),
        send(REPORT, "security"),
        send(b"not an envelope"),
        send(b'{}\n{"type":"session"}\n{}\n'),
        send(x_sentry_auth=f"Sentry sentry_key={'0' * 32}"),
    ):
        assert refuses_for_now(answer), answer
    stage.redis.start()

    assert counted(stage) == [0, 0, 0]
    assert send(event(EVENT_ID)).json() == {"id": EVENT_ID}, "the refused id was not remembered"
    assert counted(stage) == [1, 1, 1]


def test_it_counts_again_as_soon_as_redis_is_back(stage: Stage, send: Send) -> None:
    for outage in range(1, 4):
        stage.redis.stop()
        assert refuses_for_now(send())
        stage.redis.start()
        # Every thread of the server may hold a connection to the stopped Redis.
        assert [send().status for _ in range(8)] == [200] * 8
        assert counted(stage) == [8 * outage] * 3


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("envelope", event(EVENT_ID)),
        ("envelope", b'{}\n{"type":"event"}\n{}\n'),
        ("store", b'{"message":"hello"}'),
        ("security", REPORT),
    ],
    ids=["with an id", "without an id", "at the store endpoint", "a security report"],
)
def test_an_event_is_counted_once_when_the_answer_of_redis_is_lost(
    stage: Stage, send: Send, endpoint: str, body: bytes
) -> None:
    stage.proxy.lose_answer_of = b"EVALSHA"
    answer = send(body, endpoint)

    assert stage.proxy.lose_answer_of == b"", "no answer was lost"
    assert answer.status == 200, answer
    assert counted(stage) == [1, 1, 1]


def test_an_event_that_is_sent_again_after_a_503_is_counted_once(stage: Stage, send: Send) -> None:
    stage.proxy.hold_answer_of = b"EVALSHA"
    assert refuses_for_now(send(event(EVENT_ID)))
    stage.proxy.reset()
    assert counted(stage) == [1, 1, 1], "it was carried out"

    for _ in range(3):
        assert send(event(EVENT_ID)).json() == {"id": EVENT_ID}
    assert counted(stage) == [1, 1, 1]


def test_a_request_that_redis_never_got_is_counted_by_the_second_try(stage: Stage, send: Send) -> None:
    stage.proxy.lose_request_of = b"EVALSHA"
    assert send(event(EVENT_ID)).status == 200
    assert counted(stage) == [1, 1, 1]


def test_while_redis_is_full_nothing_is_counted_and_reads_are_answered(stage: Stage, send: Send) -> None:
    assert send().status == 200
    with stage.redis.client() as client:
        client.config_set("maxmemory", 1)
        for answer in (send(event(EVENT_ID)), send(b'{"message":"hello"}', "store"), send(b"not an envelope")):
            assert refuses_for_now(answer), answer
        assert counted(stage) == [1, 1, 1]
        client.config_set("maxmemory", 0)

    assert send(event(EVENT_ID)).status == 200
    assert counted(stage) == [2, 2, 2]


@pytest.fixture
def quota(stage: Stage, web: Sender) -> Iterator[str]:
    """Allow the project's key 100 events a day, and yield the Redis key with the number of those used."""
    change = """
key = Project.objects.get(slug="web").keys.get()
key.rate_limit_count, key.rate_limit_window = {}, {}
services.save_intake(key.project, key)
answer = key.pk
"""
    yield quota_key(web.project, stage.service.run(change.format(100, WINDOW)), WINDOW, int(time.time()))
    stage.service.run(change.format(None, None))


def test_where_a_quota_cannot_be_asked_nothing_is_counted_as_tsdb_intake_declares(
    stage: Stage, web: Sender, send: Send, quota: str
) -> None:
    with stage.redis.client() as client:
        client.rpush(quota, "not a number")
        # Twice: if the first left its id behind, the second would be taken for a repeat.
        for _ in range(2):
            answer = send(event(EVENT_ID))
            assert refuses_for_now(answer), answer
        assert counted(stage) == [0, 0, 0]
        assert client.exists(claim_key(web.project, EVENT_ID)) == 0

        client.delete(quota)
        assert [send(event(EVENT_ID)).status for _ in range(3)] == [200] * 3
        assert client.get(quota) == b"1"
    assert counted(stage) == [1, 1, 1]


def test_a_refused_event_is_counted_once_when_the_answer_is_lost_and_accepted_when_there_is_room(
    stage: Stage, send: Send, quota: str
) -> None:
    body = event(EVENT_ID)
    with stage.redis.client() as client:
        client.set(quota, 100)
        stage.proxy.lose_answer_of = b"EVALSHA"
        assert send(body).status == 429
        assert stage.proxy.lose_answer_of == b"", "no answer was lost"
        assert (counted(stage), counted(stage, stat="rejected")) == ([1] * 3, [1] * 3)
        assert send(body).status == 429, "another submission, not another try"
        assert counted(stage, stat="rejected") == [2] * 3

        client.delete(quota)
        stage.proxy.lose_answer_of = b"EVALSHA"
        assert [send(body).json() for _ in range(2)] == [{"id": EVENT_ID}] * 2
        assert client.get(quota) == b"1"
    assert stage.proxy.lose_answer_of == b"", "no answer was lost"
    assert (counted(stage), counted(stage, stat="generated"), counted(stage, stat="rejected")) == (
        [3] * 3, [1] * 3, [2] * 3
    )  # fmt: skip


def test_secrets_and_payloads_are_nowhere_afterwards(stage: Stage, web: Sender, send: Send) -> None:
    before = stage.service.log.stat().st_size
    marker = uuid.uuid4().hex
    said = [
        send(event(user={"password": marker})),
        send(b"not an envelope: " + marker.encode()),
        send(b'{"message":"%s"}' % marker.encode(), "store", authorization=f"Bearer {stage.service.token}"),
        send(x_sentry_auth=f"Sentry {web.secret}"),
    ]
    stage.redis.stop()
    said.append(send(event(message=marker)))
    stage.redis.start()
    said.append(send())

    assert [answer.status for answer in said] == [200, 400, 200, 401, 503, 200]
    with stage.redis.client() as client:
        kept = repr([(key, client.dump(key)) for key in client.scan_iter()]).encode()
    everything = stage.service.log.read_bytes()[before:] + kept + b"".join(answer.body for answer in said)
    assert b"ConnectionError" in everything
    for secret in (marker, web.secret, stage.service.token):
        assert secret.encode() not in everything
