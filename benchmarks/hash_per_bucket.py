"""What the rings are measured against: a hash for each bucket, with the project as its field, as Sentry keeps counts.

    <series>:<rollup, s>:<bucket>:<shard>        hash: project -> count          shard = project mod 64

A bucket's projects are spread over 64 hashes, as Sentry spreads them over virtual nodes, so that a hash of some
thousand projects stays small enough for Redis' compact form. Counting is a pipeline of HINCRBY and EXPIREAT, neither
atomic nor safe to repeat; reading is a pipeline of HGET, one for each project and bucket. Written anew from that
description, on the redis-py client that the rings use.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import redis

from tsdb.client import Clients
from tsdb.rollups import Rollup
from tsdb.store import Increment
from tsdb.timeline import Window

SHARDS = 64


class HashPerBucket:
    def __init__(self, clients: Clients, rollups: Sequence[Rollup]) -> None:
        self.clients = clients
        self.rollups = tuple(rollups)

    def incr_multi(self, increments: Iterable[Increment]) -> None:
        """Counts all of them in one round trip."""
        pipeline = self.clients.write.pipeline(transaction=False)
        for increment in increments:
            self.queue(pipeline, increment)
        pipeline.execute()

    def queue(self, pipeline: redis.client.Pipeline, increment: Increment) -> None:
        project, name = increment.series
        for rollup in self.rollups:
            bucket = rollup.bucket(increment.timestamp)
            key = hash_key(name, rollup, bucket, project)
            pipeline.hincrby(key, str(project), increment.amount)
            pipeline.expireat(key, (bucket + rollup.slots) * rollup.seconds)

    def get_range(self, name: str, projects: Sequence[int], window: Window) -> dict[int, tuple[int, ...]]:
        """The counts of each project over the window's buckets, ascending. One round trip."""
        pipeline = self.clients.read.pipeline(transaction=False)
        buckets = range(window.first, window.last + 1)
        for project in projects:
            for bucket in buckets:
                pipeline.hget(hash_key(name, window.rollup, bucket, project), str(project))
        answers = iter(pipeline.execute())
        return {project: tuple(int(next(answers) or 0) for _ in buckets) for project in projects}


def hash_key(name: str, rollup: Rollup, bucket: int, project: int) -> str:
    return f"{name}:{rollup.seconds}:{bucket}:{project % SHARDS}"
