"""Junk under a key of the cache or of a claim: the answer is the same as if nothing stood there.

See docs/reliability.md#junk-in-redis.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from django_redis import get_redis_connection
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from projects import selectors, services
from projects.cache import FORMAT, cached
from projects.connections import get_store
from projects.models import ApiToken, Project
from projects.services.tokens import token_cache_key
from tests.faults.asking import OUTCOMES, STATS
from tsdb.series import claim_key

Put = Callable[[Any, str], object]
"""A function that puts something under a key of a Redis client."""

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=7) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)
NEARLY: list[Any] = [
    [0, 1, "web", False],
    [2**63, 1, "web", False],
    [1.5, 1, "web", False],
    [1, "1", "web", False],
    [1, 1, None, False],
    [1, 1, "web", 0],
    [1, 1, "web"],
    [1, 1, "acme", "project:read", None, None],
    [1, 1, "acme", [1], None, None],
    [1, 1, "acme", ["project:read"], "never", None],
    [True, 1, "acme", ["project:read"], None, None],
    [1, 1, "acme", ["project:read"], None],
    {"production": "1"},
    {"production": 0},
    {"production": None},
]
"""Values that are almost a cached project, a token, or the environments of a project."""

TEXTS = (
    st.binary(max_size=40)
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.one_of(st.sampled_from(NEARLY), st.lists(JSON, max_size=3), st.text(), st.integers()).map(
        lambda value: json.dumps([FORMAT, value]).encode()
    )
    # Values without the frame of this version, as the version before wrote them, and texts that may break a parser.
    | st.sampled_from(
        [b"", b"changing", b"[" * 5000, b'[1,1,"acme",["project:read"],null,null]', b'[1,1,"web",false]', b'{"web":1}']
    )
)


def put_text(text: bytes) -> Put:
    return lambda redis, key: redis.set(key, text)


def put_list(redis: Any, key: str) -> None:
    redis.rpush(key, "a", "b")


def put_hash(redis: Any, key: str) -> None:
    redis.hset(key, "a", "b")


JUNK = TEXTS.map(put_text) | st.sampled_from([put_list, put_hash])
MANY = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def shelf(project: Project, api: Client) -> Iterator[Callable[[str, Put], str]]:
    """Yield a function that replaces the entry of a cache key, and returns the full name of the key in Redis."""
    redis = get_redis_connection("default")
    cache.clear()  # removes the marks that new objects leave

    def put(key: str, junk: Put) -> str:
        name = str(cache.make_key(key))
        redis.delete(name)
        junk(redis, name)
        return name

    yield put
    cache.clear()


def token_key() -> str:
    return token_cache_key(ApiToken.objects.get().digest)


@MANY
@given(junk=JUNK)
def test_junk_for_a_token_is_a_miss_and_replaced(api: Client, shelf: Callable[[str, Put], str], junk: Put) -> None:
    name = shelf(token_key(), junk)
    assert api.get(STATS).status_code == 200
    assert json.loads(get_redis_connection("default").get(name))[0] == FORMAT


@MANY
@given(junk=JUNK)
def test_junk_for_a_project_is_a_miss_and_replaced(
    api: Client, project: Project, shelf: Callable[[str, Put], str], junk: Put
) -> None:
    for reference in ("web", "nowhere"):
        name = shelf(selectors.project_cache_key(project.organization_id, reference), junk)
        status = 200 if reference == "web" else 404
        assert api.get(f"/api/0/projects/acme/{reference}/stats/").status_code == status
        if status == 200:
            assert json.loads(get_redis_connection("default").get(name))[0] == FORMAT


@MANY
@given(junk=JUNK)
def test_junk_for_the_environments_is_a_miss_and_replaced(
    api: Client, project: Project, shelf: Callable[[str, Put], str], junk: Put
) -> None:
    made = services.environment_id(project.pk, "production")
    name = shelf(selectors.environments_cache_key(project.pk), junk)
    answer = api.get(STATS, {"stat": "generated", "environment": "production"})
    assert answer.status_code == 200
    assert json.loads(get_redis_connection("default").get(name)) == [FORMAT, {"production": made}]
    shelf(selectors.environments_cache_key(project.pk), junk)
    assert services.environment_id(project.pk, "production") == made


@MANY
@given(junk=JUNK)
def test_a_mark_is_no_junk_and_stays(project: Project, shelf: Callable[[str, Put], str], junk: Put) -> None:
    """A reader meets junk, and a change puts its mark there before the reader stores what it has read."""
    key = selectors.environments_cache_key(project.pk)
    shelf(key, junk)

    def load() -> dict[str, int]:
        cache.set(key, "changing", 30)
        return {"old": 1}

    assert cached(key, load, lambda value: None) == {"old": 1}
    assert cache.get(key) == "changing"


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
