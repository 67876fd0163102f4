"""Fills both layouts with the same counts, fast: what is stored is measured, not how it came there."""

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
"""A count of a bucket is random, from 1 to so many for each 10 seconds of it: an hour of some thousand, a day of some
ten thousand events."""
_PIPELINE = 2000

Counts = dict[int, int]
"""bucket -> count, of the buckets that have one."""


def random_counts(rollup: Rollup, now: int, share: float, source: random.Random) -> Counts:
    """A count in each retained bucket, or in this share of them, chosen at random."""
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
    """Counts for each project and rollup. Equal arguments give equal counts, so both layouts hold the same."""
    source = random.Random(SEED)
    for project in projects:
        for rollup in rollups:
            yield project, rollup, random_counts(rollup, now, share, source)


def ring_of(rollup: Rollup, counts: Counts) -> bytes:
    """As the counting script would have left it."""
    slots = [0] * rollup.slots
    for bucket, count in counts.items():
        slots[bucket % rollup.slots] = count
    return pack(f">{1 + rollup.slots}q", max(counts), *slots)


def open_projects(client: redis.Redis, projects: Sequence[int], rollups: Sequence[Rollup]) -> None:
    """Gives each project the state in which it is read without a second look."""
    pipeline = client.pipeline(transaction=False)
    for project in projects:
        pipeline.set(state_key(project), state_text(Phase.OPEN, shapes_text(rollups), "0" * 16))
    pipeline.execute()


def fill_rings(
    client: redis.Redis, name: str, projects: Sequence[int], rollups: Sequence[Rollup], now: int, share: float = 1
) -> None:
    pipeline = client.pipeline(transaction=False)
    for project, rollup, counts in all_counts(projects, rollups, now, share):
        if counts:
            pipeline.set(Series(project, name).key(rollup), ring_of(rollup, counts), ex=rollup.ttl)
        _send_when_full(pipeline)
    pipeline.execute()


def fill_hashes(
    client: redis.Redis, name: str, projects: Sequence[int], rollups: Sequence[Rollup], now: int, share: float = 1
) -> None:
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
