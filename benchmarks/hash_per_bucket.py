"""The layout that the rings are measured against: a hash for each bucket, with projects as fields, as Sentry does it.

    <series>:<rollup, s>:<bucket>:<shard>        hash: project -> count          shard = project mod 64

The projects of a bucket are spread over 64 hashes, as Sentry spreads them over virtual nodes. So a hash stays small
enough for Redis' compact encoding, even with some thousand projects. Counting is a pipeline of HINCRBY and EXPIREAT,
which is neither atomic nor safe to repeat. Reading is a pipeline of HGET, one for each project and bucket. This was
written anew from that description, with the same redis-py client that the rings use.
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
    """A store of counts with this layout."""

    def __init__(self, clients: Clients, rollups: Sequence[Rollup]) -> None:
        self.clients = clients
        self.rollups = tuple(rollups)

    def incr_multi(self, increments: Iterable[Increment]) -> None:
        """Count all increments in one round trip."""
        pipeline = self.clients.write.pipeline(transaction=False)
        for increment in increments:
            self.queue(pipeline, increment)
        pipeline.execute()

    def queue(self, pipeline: redis.client.Pipeline, increment: Increment) -> None:
        """Add the commands that count one increment to the pipeline."""
        project, name = increment.series
        for rollup in self.rollups:
            bucket = rollup.bucket(increment.timestamp)
            key = hash_key(name, rollup, bucket, project)
            pipeline.hincrby(key, str(project), increment.amount)
            pipeline.expireat(key, (bucket + rollup.slots) * rollup.seconds)

    def get_range(self, name: str, projects: Sequence[int], window: Window) -> dict[int, tuple[int, ...]]:
        """Return the counts of each project over the window's buckets, oldest first. One round trip."""
        pipeline = self.clients.read.pipeline(transaction=False)
        buckets = range(window.first, window.last + 1)
        for project in projects:
            for bucket in buckets:
                pipeline.hget(hash_key(name, window.rollup, bucket, project), str(project))
        answers = iter(pipeline.execute())
        return {project: tuple(int(next(answers) or 0) for _ in buckets) for project in projects}


def hash_key(name: str, rollup: Rollup, bucket: int, project: int) -> str:
    """Return the key of the hash that holds the project's count in this bucket."""
    return f"{name}:{rollup.seconds}:{bucket}:{project % SHARDS}"
