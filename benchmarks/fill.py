"""Filling Redis with the same counts in both layouts.

The benchmarks that use this measure what is stored, not how it got there. So it writes whole rings and hashes, which
is fast.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from struct import pack
from typing import Any

import redis

from benchmarks.hash_per_bucket import hash_key
from tsdb.rollups import Rollup
from tsdb.series import Series, state_key
from tsdb.state import Phase, shapes_text, state_text

SEED = 20260401
MOST_PER_TEN_SECONDS = 20
"""The count of a bucket is random, from 1 to this number for each 10 seconds of it. So an hour has some thousand
events, and a day some ten thousand."""
_PIPELINE = 2000
"""Commands in one pipeline."""

Counts = dict[int, int]
"""Counts by bucket. Buckets without a count are left out."""


def random_counts(rollup: Rollup, now: int, share: float, source: random.Random) -> Counts:
    """Return random counts for all retained buckets, or for a random share of them (0 to 1).

    `now` is in seconds since the epoch.
    """
    most = MOST_PER_TEN_SECONDS * max(1, rollup.seconds // 10)
    last = rollup.bucket(now)
    return {
        bucket: source.randint(1, most)
        for bucket in range(last - rollup.samples, last + 1)
        if share == 1 or source.random() < share
    }


def all_counts(
    projects: Sequence[int], rollups: Sequence[Rollup], now: int, share: float
) -> Iterator[tuple[int, Rollup, Counts]]:
    """Yield counts for each project and rollup. Equal arguments give equal counts, so both layouts hold the same."""
    source = random.Random(SEED)
    for project in projects:
        for rollup in rollups:
            yield project, rollup, random_counts(rollup, now, share, source)


def ring_of(rollup: Rollup, counts: Counts) -> bytes:
    """Return the ring with these counts, exactly as the counting script writes it."""
    slots = [0] * rollup.slots
    for bucket, count in counts.items():
        slots[bucket % rollup.slots] = count
    return pack(f">{1 + rollup.slots}q", max(counts), *slots)


def open_projects(client: redis.Redis, projects: Sequence[int], rollups: Sequence[Rollup]) -> None:
    """Give each project the state `open`, in which it is read in one round trip."""
    pipeline = client.pipeline(transaction=False)
    for project in projects:
        pipeline.set(state_key(project), state_text(Phase.OPEN, shapes_text(rollups), "0" * 16))
    pipeline.execute()


def fill_rings(
    client: redis.Redis, name: str, projects: Sequence[int], rollups: Sequence[Rollup], now: int, share: float = 1
) -> None:
    """Write a ring for each project and rollup, for the series `name`."""
    pipeline = client.pipeline(transaction=False)
    for project, rollup, counts in all_counts(projects, rollups, now, share):
        if counts:
            pipeline.set(Series(project, name).key(rollup), ring_of(rollup, counts), ex=rollup.ttl)
        _send_when_full(pipeline)
    pipeline.execute()


def fill_hashes(
    client: redis.Redis, name: str, projects: Sequence[int], rollups: Sequence[Rollup], now: int, share: float = 1
) -> None:
    """Write the same counts as fill_rings, into a hash for each bucket."""
    hashes: dict[str, tuple[int, dict[Any, Any]]] = {}
    for project, rollup, counts in all_counts(projects, rollups, now, share):
        for bucket, count in counts.items():
            end = (bucket + rollup.slots) * rollup.seconds
            hashes.setdefault(hash_key(name, rollup, bucket, project), (end, {}))[1][str(project)] = count
    pipeline = client.pipeline(transaction=False)
    for key, (end, fields) in hashes.items():
        pipeline.hset(key, mapping=fields)
        pipeline.expireat(key, end)
        _send_when_full(pipeline)
    pipeline.execute()


def _send_when_full(pipeline: redis.client.Pipeline) -> None:
    if len(pipeline) >= _PIPELINE:
        pipeline.execute()
