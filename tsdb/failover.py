"""The settings of Redis under which a failover loses counts. docs/reliability.md has the reasons and the figures."""

from __future__ import annotations

from typing import Any

import redis
from redis.exceptions import ResponseError

from tsdb.protocol import StoreClient

_SETTINGS = (
    "min-replicas-to-write",
    "min-replicas-max-lag",
    "cluster-node-timeout",
    "cluster-require-full-coverage",
)


def failover_dangers(client: StoreClient) -> list[str]:
    """Return a text for each setting under which a failover loses or stops more than it must, sorted.

    The list is empty for a server without replicas, since it has no failover, and for a Redis that does not let its
    settings be read, as many managed ones do not. Raises redis.exceptions.RedisError.
    """
    return sorted({danger for server in client.servers() for danger in _dangers_of(server)})


def _dangers_of(server: redis.Redis) -> list[str]:
    if not int(server.info("replication").get("connected_slaves", 0)):
        return []
    try:
        found: Any = server.config_get(*_SETTINGS)
    except ResponseError:  # CONFIG is forbidden or renamed
        return []
    if "min-replicas-to-write" not in found:
        return []
    dangers = []
    lag = int(found["min-replicas-max-lag"])
    # A lag of 0 turns the setting off.
    waits_for_nobody = found["min-replicas-to-write"] == "0" or not lag
    if waits_for_nobody:
        dangers.append(
            f"min-replicas-to-write {found['min-replicas-to-write']} and min-replicas-max-lag {lag}: a master that is "
            "cut off from its replicas goes on counting, and a failover throws those counts away"
        )
    if server.info("cluster")["cluster_enabled"]:
        milliseconds = int(found["cluster-node-timeout"])
        if not waits_for_nobody and lag * 1000 >= milliseconds:
            dangers.append(
                f"min-replicas-max-lag {lag} (seconds) is not below cluster-node-timeout {milliseconds} "
                "(milliseconds): a master that is cut off is replaced before it stops counting"
            )
        if found["cluster-require-full-coverage"] == "yes":
            dangers.append(
                "cluster-require-full-coverage yes: while one master is replaced, the events of every project are "
                "answered 503, not only those of its own"
            )
    return dangers
