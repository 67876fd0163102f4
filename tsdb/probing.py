"""The health of each Redis server that holds counts. All are asked at once, and one that hangs is not waited for."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, NamedTuple

import redis
from redis.crc import REDIS_CLUSTER_HASH_SLOTS
from redis.exceptions import NoPermissionError, RedisError

from tsdb.protocol import StoreClient
from tsdb.refusals import PROBE_SECONDS, refusal

HASH_SLOTS = REDIS_CLUSTER_HASH_SLOTS
"""The slots of a cluster, spread over its masters. They have nothing to do with the slots of a ring."""


class ServerHealth(NamedTuple):
    """What one server answered."""

    refused: str | None
    """Redis' code if the server refuses writes, else None."""
    eviction_policy: str | None
    """None if INFO is forbidden."""
    cluster_is_up: bool
    """True for a single server."""
    slots_served: int
    """How many slots of the cluster have a master, as this server sees it; all of them for a single server."""


Answers = Mapping[str, ServerHealth | Exception | None]
"""By the server's address: an exception if it cannot be asked, None if it did not answer in time."""


class Prober:
    """Asks every server that has keys. A server that hangs holds one thread, however often it is asked."""

    def __init__(self, name: str) -> None:
        self._threads = ThreadPoolExecutor(16, thread_name_prefix=f"probe-{name}")
        self._asked: dict[str, Future[ServerHealth]] = {}
        self._key = f"ts:{name}"

    def ask(self, client: StoreClient, seconds: float) -> Answers:
        """Return what each server says within that many seconds. A question that is under way is not asked again."""
        asked: dict[str, Future[ServerHealth]] = {}
        for place, (server, key) in client.probes(self._key).items():
            earlier = self._asked.get(place)
            if earlier is None or earlier.done():
                self._asked[place] = self._threads.submit(_ask, server, key, client.IS_CLUSTER)
            asked[place] = self._asked[place]
        wait(asked.values(), seconds)
        return {
            place: (one.exception() or one.result()) if one.done() else None  # type: ignore[misc]
            for place, one in asked.items()
        }


def _ask(server: redis.Redis, key: str, is_cluster: bool) -> ServerHealth:
    """Ask one server. `key` is one that lies on it. Raises RedisError.

    It writes a key, because Redis does not notice a full disk before something is written.
    """
    pipeline = server.pipeline(transaction=False)
    pipeline.set(key, "", ex=PROBE_SECONDS)
    pipeline.get(key)
    pipeline.info("memory")
    if is_cluster:
        pipeline.execute_command("CLUSTER INFO")  # type: ignore[no-untyped-call]
    written, read, memory, *cluster = pipeline.execute(raise_on_error=False)
    code = refusal(written) if isinstance(written, Exception) else None
    cluster_info: dict[str, Any] = cluster[0] if cluster and isinstance(cluster[0], dict) else {}
    is_up = cluster_info.get("cluster_state", "ok") == "ok"
    for answer in (memory, *cluster):
        # A server that forbids a question can still count. Many managed ones do.
        if isinstance(answer, Exception) and not isinstance(answer, NoPermissionError):
            raise answer
    for answer in (read, written) if is_up else ():
        if isinstance(answer, RedisError) and refusal(answer) is None:
            raise answer
    served = int(cluster_info.get("cluster_slots_ok", HASH_SLOTS))
    policy = str(memory["maxmemory_policy"]) if isinstance(memory, dict) else None
    return ServerHealth(code, policy, is_up, served)
