"""When the first event of a project was accepted, as far as counts are kept.

The coarsest rollup goes back furthest and says the bucket; finer ones narrow it down where they still hold it. So a
first event of last week is known to the hour, and one of this hour to 10 seconds.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from typing import NamedTuple

from redis.exceptions import RedisError

from projects.connections import get_store
from tsdb import series
from tsdb.outcomes import STATS, Category
from tsdb.rollups import FUTURE_SECONDS, Rollup
from tsdb.states import Unsettled
from tsdb.timeline import Window

log = logging.getLogger(__name__)


def first_events(projects: Collection[int], now: int) -> dict[int, int]:
    """Return the start of the bucket in which each project's first event is, in seconds since the epoch.

    Projects without one are left out, and so are all while Redis does not answer: who lists projects wants their names.
    `now` is in seconds since the epoch. Raises Unsettled.
    """
    try:
        return _search(projects, now)
    except Unsettled:
        raise
    except RedisError as error:
        log.warning("the first events of %d projects are not known: %s", len(projects), error)
        return {}


def _search(projects: Collection[int], now: int) -> dict[int, int]:
    coarsest, *finer = reversed(get_store().rollups)
    found: dict[int, _Bucket] = {}
    for project, (kept, counts) in _counts(projects, coarsest, now).items():
        first = _first(counts, kept.first * coarsest.seconds, coarsest)
        if first is not None:
            found[project] = first
    for rollup in finer:
        oldest = rollup.oldest_bucket(now) * rollup.seconds
        asked = [project for project, bucket in found.items() if bucket.start >= oldest]
        for project, (kept, counts) in _counts(asked, rollup, now).items():
            wider = found[project]
            begin = wider.start // rollup.seconds - kept.first
            inside = counts[begin : begin + wider.seconds // rollup.seconds]
            first = _first(inside, wider.start, rollup)
            # Less than the wider bucket has: this rollup is younger than the event.
            if first is not None and sum(inside) >= wider.total:
                found[project] = first
    return {project: bucket.start for project, bucket in found.items()}


class _Bucket(NamedTuple):
    """A bucket that has events: its start and its length in seconds, and how many events."""

    start: int
    seconds: int
    total: int


def _first(counts: Sequence[int], start: int, rollup: Rollup) -> _Bucket | None:
    """Return the first bucket that has events. The counts begin with the bucket of `start`."""
    for place, count in enumerate(counts):
        if count:
            return _Bucket(start + place * rollup.seconds, rollup.seconds, count)
    return None


def _counts(projects: Collection[int], rollup: Rollup, now: int) -> dict[int, tuple[Window, list[int]]]:
    """Return the accepted events of each project in the buckets that are kept."""
    if not projects:
        return {}
    kept = Window(rollup, rollup.oldest_bucket(now), rollup.bucket(now + FUTURE_SECONDS))
    asked = series.totals(projects, Category.ERROR, STATS["generated"])
    added = get_store().get_added_by_project(asked, kept, now=now)
    return {project: (kept, counts) for project, counts in added.items()}
