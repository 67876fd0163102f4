"""What the tests of the store share: a fixed clock, tiny rollups, and functions that show what is in Redis."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from tsdb.arrivals import Sent
from tsdb.intake import Intake
from tsdb.moving import Mover
from tsdb.outcomes import Outcome
from tsdb.rollups import FUTURE_SECONDS, Rollup, parse_rollups
from tsdb.series import Series
from tsdb.store import Store
from tsdb.timeline import Window

T = TypeVar("T")

NOW = 1_541_455_200
"""The clock of these tests, in 2018. It is the start of an hour and not of a day."""

TINY = parse_rollups("1s:5,5s:4,20s:3")

WEB, SHOP = Series(7, "t:error:accepted"), Series(8, "t:error:accepted")


def retained(rollup: Rollup, now: int) -> Window:
    """Return all buckets of the rollup that may hold a count at `now`, up to FUTURE_SECONDS ahead."""
    return Window(rollup, rollup.oldest_bucket(now), rollup.bucket(now + FUTURE_SECONDS))


def counts(store: Store, series: Series, rollup: Rollup, *, now: int = NOW) -> dict[int, int]:
    """Return the counts that are not 0, by the start of their bucket."""
    window = retained(rollup, now)
    found = store.get_range([series], window, now=now)[series]
    return {start: count for start, count in zip(window.timestamps(), found, strict=True) if count}


def sums(store: Store, series: Series, *, now: int = NOW) -> list[int]:
    """Return the sum of all that each rollup retains."""
    return [store.get_sums([series], retained(rollup, now), now=now)[series] for rollup in store.rollups]


def merge(store: Store, destination: Series, sources: Sequence[Series], gone: Collection[int] = ()) -> None:
    Mover(store).merge(destination, sources, gone=gone)


def together(intake: Intake, sent: Sequence[Sent]) -> list[Outcome | Exception]:
    """Count arrivals together, and return the outcome of each, or why it was not counted."""
    answers = intake.count_together(sent)
    return [one if isinstance(one, Exception) else one.outcome for one in answers]


def keys_of(store: Store, project: int) -> set[str]:
    """Return all keys of the project."""
    return {key.decode() for key in store.clients.read.scan_iter(f"ts:{{{project}}}:*")}


@contextmanager
def counted_reads(store: Store) -> Iterator[list[int]]:
    """Count how often Redis was asked for many keys at once, by MGET or by a script, in the block."""
    client = store.clients.read
    client.config_resetstat()
    reads = [0]
    yield reads
    stats: Any = client.info("commandstats")
    reads[0] = sum(stats.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("mget", "evalsha", "eval"))
