"""Junk under a stamp, a claim or a key of the cache: the answer is the same as if nothing stood there.

See docs/reliability.md#junk-in-redis.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

import pytest
import time_machine
from django.test import Client
from django_redis import get_redis_connection
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from projects.connections import get_store
from projects.models import ApiToken, Project
from tests.faults.asking import OUTCOMES, STATS
from tsdb.series import claim_key, stamp_key

Put = Callable[[Any, str], object]
"""A function that puts something under a key of a Redis client."""

TEXTS = st.binary(max_size=40) | st.sampled_from(
    [b"", b"changing", b"changing ", b"changing 1:1", b"changing f:99999999999", b"0123456789abcdef", b"[" * 5000]
)


def put_text(text: bytes) -> Put:
    return lambda redis, key: redis.set(key, text)


def put_list(redis: Any, key: str) -> None:
    redis.rpush(key, "a", "b")


def put_hash(redis: Any, key: str) -> None:
    redis.hset(key, "a", "b")


JUNK = TEXTS.map(put_text) | st.sampled_from([put_list, put_hash])
MANY = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@MANY
@given(junk=JUNK)
def test_junk_for_a_stamp_makes_a_worker_load_anew_what_it_knows(api: Client, project: Project, junk: Put) -> None:
    redis, name = get_store().clients.write, stamp_key(project.organization_id)
    redis.delete(name)
    assert api.get(STATS).status_code == 200
    Project.objects.update(slug="site")  # without a word to anybody
    redis.delete(name)
    junk(redis, name)
    assert [api.get(STATS).status_code for _ in range(2)] == [404, 404]
    Project.objects.update(slug="web")
    get_store().stamps.end(project.organization_id, get_store().stamps.begin(project.organization_id))
    assert [api.get(STATS).status_code for _ in range(2)] == [200, 200]


NO_COUNTS = [b"-7", b"1.5", b" 1", b"9" * 30, b"9223372036854775807"]


@MANY
@given(junk=JUNK | st.sampled_from(NO_COUNTS).map(put_text))
def test_junk_for_a_rate_limit_begins_the_window_anew(api: Client, project: Project, limited: str, junk: Put) -> None:
    redis = get_redis_connection("default")
    redis.delete(limited)
    junk(redis, limited)
    if redis.type(limited) == b"string":
        # A text that looks like a count is taken for one.
        assume(not re.fullmatch(rb"[1-9][0-9]{0,17}", redis.get(limited)))
    answer = api.get(STATS)
    assert answer.status_code == 200
    assert answer["X-Sentry-Rate-Limit-Remaining"] == "4"
    assert 0 < redis.ttl(limited) <= 3601


@pytest.fixture
def limited(api: Client, settings: Any) -> Iterator[str]:
    """Allow five requests an hour in an hour that does not end, and yield the key of their number."""
    settings.API_RATE_LIMIT = (5, 3600)
    with time_machine.travel(1_541_455_203, tick=False):
        yield f"api-limit:{ApiToken.objects.get().pk}:{1_541_455_203 // 3600 * 3600 + 3600}"


@MANY
@given(junk=JUNK)
def test_junk_for_a_claim_is_no_claim(api: Client, project: Project, junk: Put) -> None:
    redis = get_store().clients.write
    name = claim_key(project.pk, f"outcomes:{sha256(b'again').hexdigest()}")
    redis.delete(name)
    junk(redis, name)
    body = {"outcomes": [{"outcome": "accepted", "quantity": 3}]}
    answers = [
        api.post(OUTCOMES, body, content_type="application/json", headers={"Idempotency-Key": "again"})
        for _ in range(2)
    ]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(201, {"accepted": 3})] * 2
