"""What each server of the counts says of itself, asked of all at once and without waiting for one that hangs."""

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
"""Of a cluster, spread over its masters. The slots of a ring are something else."""


class Word(NamedTuple):
    """What a server said. Of a single one `slots_served` are all, and `cluster_is_up` holds."""

    refused: str | None
    """Redis' own code where it takes no writes."""
    eviction_policy: str | None
    """None: it does not let INFO be asked."""
    cluster_is_up: bool
    slots_served: int


Words = Mapping[str, Word | Exception | None]
"""By the server's place; an exception where it cannot be asked, None where it has not answered in time."""


class Prober:
    """Asks every server that has keys. One that hangs holds one thread, however often it is asked meanwhile."""

    def __init__(self, name: str) -> None:
        self._threads = ThreadPoolExecutor(16, thread_name_prefix=f"probe-{name}")
        self._asked: dict[str, Future[Word]] = {}
        self._key = f"ts:{name}"

    def ask(self, client: StoreClient, seconds: float) -> Words:
        asked: dict[str, Future[Word]] = {}
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


def _ask(server: redis.Redis, key: str, is_cluster: bool) -> Word:
    """Raises RedisError.

    A key is written and not only a state asked for: a full disk is not noticed before something is written to it.
    """
    pipeline = server.pipeline(transaction=False)
    pipeline.set(key, "", ex=PROBE_SECONDS)
    pipeline.get(key)
    pipeline.info("memory")
    if is_cluster:
        pipeline.execute_command("CLUSTER INFO")  # type: ignore[no-untyped-call]
    written, read, memory, *cluster = pipeline.execute(raise_on_error=False)
    code = refusal(written) if isinstance(written, Exception) else None
    said: dict[str, Any] = cluster[0] if cluster and isinstance(cluster[0], dict) else {}
    is_up = said.get("cluster_state", "ok") == "ok"
    for answer in (memory, *cluster):
        # What its user may not ask, as of many a managed Redis, is no reason why it should not count.
        if isinstance(answer, Exception) and not isinstance(answer, NoPermissionError):
            raise answer
    for answer in (read, written) if is_up else ():
        if isinstance(answer, RedisError) and refusal(answer) is None:
            raise answer
    served = int(said.get("cluster_slots_ok", HASH_SLOTS))
    policy = str(memory["maxmemory_policy"]) if isinstance(memory, dict) else None
    return Word(code, policy, is_up, served)
