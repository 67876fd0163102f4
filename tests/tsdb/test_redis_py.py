"""redis-py and django-redis still have all that this code uses of them beyond what they document.

`Pool` and `Client` (tsdb/client.py), `Cluster` (tsdb/cluster.py) and `CacheConnectionFactory` (projects/connections.py)
override methods of these packages and use members that are private or undocumented. After an upgrade these tests fail
first, and say which of them changed. Then read the new source before the code is adapted.
"""

from __future__ import annotations

import inspect
from typing import Any

import django_redis
import pytest
import redis
from django_redis.pool import ConnectionFactory
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, NodesManager, RedisCluster
from redis.connection import Connection, ConnectionPool, SSLConnection, UnixDomainSocketConnection, parse_url
from redis.crc import key_slot
from redis.exceptions import AskError, MovedError
from redis.retry import Retry

from projects.connections import CacheConnectionFactory
from tsdb.client import Client, Pool
from tsdb.cluster import Cluster

pytestmark = pytest.mark.once

INSTALLED = f"redis-py {redis.__version__}, django-redis {django_redis.__version__}"

CALLED: list[tuple[type, str, tuple[Any, ...], dict[str, Any]]] = [
    # tsdb/client.py
    (ConnectionPool, "from_url", ("redis://",), {"retry": None, "socket_timeout": 1, "max_connections": 1}),
    (ConnectionPool, "reset", (), {}),
    (ConnectionPool, "_checkpid", (), {}),
    (ConnectionPool, "make_connection", (), {}),
    (ConnectionPool, "update_active_connections_for_reconnect", (), {}),
    (ConnectionPool, "disconnect_free_connections", (), {}),
    (Retry, "__init__", (NoBackoff(), 1), {"supported_errors": ()}),
    (Retry, "call_with_retry", (lambda: None, lambda error: None), {}),
    (Retry, "get_retries", (), {}),
    (redis.Redis, "__init__", (), {"connection_pool": None}),
    (redis.Redis, "parse_response", (None, "GET"), {"keys": ["key"]}),
    *(
        (kind, name, args, {})
        for kind in (Connection, SSLConnection, UnixDomainSocketConnection)
        for name, args in {
            "connect": (),
            "disconnect": (),
            "can_read": (),
            "should_reconnect": (),
            "send_packed_command": ([b""],),
            "read_response": (),
        }.items()
    ),
    # tsdb/pipeline.py
    *((kind, "read_response", (), {"timeout": 0.1}) for kind in (Connection, SSLConnection)),
    # tsdb/cluster.py
    (
        RedisCluster,
        "__init__",
        (),
        {
            "url": "redis://",
            "startup_nodes": [],
            "retry": None,
            "require_full_coverage": False,
            "connection_pool_class": Pool,
            "socket_timeout": 1,
        },
    ),
    (RedisCluster, "get_primaries", (), {}),
    (RedisCluster, "get_redis_connection", (None,), {}),
    (NodesManager, "initialize", (), {}),
    (NodesManager, "get_node", ("host", 1), {}),
    (NodesManager, "get_node_from_slot", (1,), {}),
    (NodesManager, "move_slot", (None,), {}),
    (ClusterNode, "__init__", ("host", 1), {}),
    # projects/connections.py
    (ConnectionFactory, "connect", ("redis://",), {}),
    (ConnectionFactory, "get_or_create_connection_pool", ({},), {}),
]

OVERRIDDEN = [
    (ConnectionPool, Pool, "reset"),
    (ConnectionPool, Pool, "get_connection"),
    (ConnectionPool, Pool, "release"),
    (redis.Redis, Client, "execute_command"),
    (RedisCluster, Cluster, "execute_command"),
    (RedisCluster, Cluster, "delete"),
    (RedisCluster, Cluster, "unlink"),
    (RedisCluster, Cluster, "exists"),
    (ConnectionFactory, CacheConnectionFactory, "connect"),
    (ConnectionFactory, CacheConnectionFactory, "get_or_create_connection_pool"),
]


@pytest.mark.parametrize(
    ("owner", "name", "args", "keywords"), CALLED, ids=[f"{owner.__name__}.{name}" for owner, name, *_ in CALLED]
)
def test_a_method_of_redis_py_that_we_call_exists_and_takes_our_arguments(
    owner: type, name: str, args: tuple[Any, ...], keywords: dict[str, Any]
) -> None:
    found = inspect.getattr_static(owner, name, None)
    assert found is not None, f"{owner.__name__}.{name} is gone ({INSTALLED})"
    method = getattr(owner, name)
    itself = () if isinstance(found, classmethod) else (None,)
    try:
        inspect.signature(method).bind(*itself, *args, **keywords)
    except TypeError as error:
        pytest.fail(f"{owner.__name__}.{name} takes other arguments now: {error} ({INSTALLED})")


@pytest.mark.parametrize(
    ("theirs", "ours", "name"), OVERRIDDEN, ids=[f"{ours.__name__}.{name}" for _, ours, name in OVERRIDDEN]
)
def test_a_method_that_we_override_has_the_parameters_of_redis_py(theirs: type, ours: type, name: str) -> None:
    def parameters(owner: type) -> list[tuple[inspect._ParameterKind, str]]:
        variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        found = inspect.signature(getattr(owner, name)).parameters.values()
        return [(one.kind, "" if one.kind in variadic else one.name) for one in found]

    assert name in vars(ours), f"{ours.__name__} does not override {name} any more: take it out of the list here"
    assert name in dir(theirs), f"nothing calls {ours.__name__}.{name}: {theirs.__name__} has no such method"
    assert parameters(ours) == parameters(theirs), INSTALLED


def test_the_pool_of_redis_py_keeps_its_connections_as_ours_does() -> None:
    pool = ConnectionPool(max_connections=3, socket_timeout=0.5)
    assert pool.max_connections == 3, INSTALLED
    assert pool.connection_kwargs["socket_timeout"] == 0.5, INSTALLED
    assert type(pool._available_connections) is list, INSTALLED
    assert type(pool._in_use_connections) is set, INSTALLED
    assert pool._created_connections == 0, INSTALLED
    pool.make_connection()
    assert pool._created_connections == 1, f"make_connection counts no longer ({INSTALLED})"
    with pool._lock, pool._lock:  # reentrant: a connection that goes while the pool is locked may come back to it
        pass


def test_the_pool_of_redis_py_calls_reset_when_it_is_made_and_after_a_fork() -> None:
    pool = Pool()
    assert not pool._waiting, f"__init__ does not call reset ({INSTALLED})"
    pool._in_use_connections.add(pool.make_connection())
    pool.pid = -1
    pool._checkpid()
    assert not pool._in_use_connections, f"_checkpid does not call reset in another process ({INSTALLED})"


def test_a_connection_of_redis_py_has_what_the_pool_asks_of_it() -> None:
    connection: Any = ConnectionPool(retry=Retry(NoBackoff(), 0)).make_connection()
    assert connection.is_connected is False, INSTALLED
    assert connection.should_reconnect() is False, INSTALLED
    assert connection.retry.get_retries() == 0, INSTALLED
    connection.lent_at = 1.0  # Pool notes there when it lent the connection


def test_a_client_of_redis_py_has_a_table_of_what_turns_an_answer_into_pythons() -> None:
    callbacks: Any = redis.Redis().response_callbacks
    assert callbacks.get("SET")(b"OK") is True, INSTALLED
    assert callbacks.get("GET") is None, INSTALLED


def test_the_cluster_of_redis_py_has_a_map_under_the_name_that_ours_uses() -> None:
    made = inspect.unwrap(RedisCluster.__init__).__code__.co_names
    assert "nodes_manager" in made, f"RedisCluster.__init__ makes no nodes_manager ({INSTALLED})"
    node = ClusterNode("127.0.0.1", 7000)  # type: ignore[no-untyped-call]
    assert (node.name, len({node, ClusterNode("127.0.0.1", 7000)})) == ("127.0.0.1:7000", 1)  # type: ignore[no-untyped-call]


def test_redis_py_says_where_a_slot_went() -> None:
    for kind in (AskError, MovedError):
        error: Any = kind("3999 127.0.0.1:7001")
        assert (error.host, error.port) == ("127.0.0.1", 7001), INSTALLED


def test_redis_py_reads_a_url_and_names_a_slot_as_the_cluster_needs_it() -> None:
    assert parse_url("redis://:secret@one:7000") == {"password": "secret", "host": "one", "port": 7000}, INSTALLED  # type: ignore[no-untyped-call]
    assert key_slot(b"ts:{7}:state") == key_slot(b"{7}"), INSTALLED
