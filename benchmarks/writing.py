"""Writing to the store: the atomic script, against a plain pipeline of HINCRBY and EXPIREAT.

Measured: the events a second that one process counts, each into 2 series × 4 rollups, with 400 projects and AOF on:
  one by one           `Store.incr`, one event a call;
  100 in a pipeline    `Store.incr_multi`, one event for each of 100 projects a call;
  in bulk, uniform     `Store.incr_bulk` of 50 000 events, spread evenly over all projects and the last hour;
  in bulk, skewed      the same, but few projects have most events (Zipf's law), and all events are of the last minute.
Against: benchmarks/hash_per_bucket.py, which is neither atomic nor safe to repeat. It uses a pipeline for each event, a
pipeline of 100 events, and in bulk pipelines of 1000 increments: as they are, and with equal increments added up first,
as `incr_bulk` does.

There is no target. The ratios are reported.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice

from benchmarks import servers
from benchmarks.hash_per_bucket import HashPerBucket
from benchmarks.measure import print_table, ratio, spread, take_turns
from benchmarks.rollups import ROLLUPS, TEN_SECONDS
from tsdb.outcomes import Category, Outcome
from tsdb.series import Series, of_event
from tsdb.store import Increment, Store

PROJECTS = range(1, 401)
ROUNDS = 9
SINGLE_EVENTS = 1000
PIPELINES = 20
BULK_EVENTS = 50_000
BULK_ROUNDS = 5
BULK_PIPELINE = 1000
SKEW = 1.2
"""The exponent of Zipf's law. The first of 400 projects has a fifth of all events, and the first ten have half."""

Event = tuple[int, int]
"""A project's id, and a timestamp in seconds since the epoch."""


def series_of(project: int) -> list[Series]:
    """Return the two series that an event of the project is counted into."""
    return of_event(project, project, Category.ERROR, Outcome.ACCEPTED)


def increments_of(events: Iterable[Event]) -> list[Increment]:
    """Return the increments that count the events."""
    return [Increment(one, timestamp) for project, timestamp in events for one in series_of(project)]


def uniform(source: random.Random, now: int) -> list[Event]:
    """Return events that are spread evenly over all projects and the last hour."""
    return [(source.choice(PROJECTS), now - source.randrange(3600)) for _ in range(BULK_EVENTS)]


def skewed(source: random.Random, now: int) -> list[Event]:
    """Return events of the last minute, most of them of few projects."""
    weights = [1 / place**SKEW for place in range(1, len(PROJECTS) + 1)]
    return [(project, now - source.randrange(60)) for project in source.choices(PROJECTS, weights, k=BULK_EVENTS)]


def added_up(increments: Iterable[Increment]) -> list[Increment]:
    """Add up increments of the same series and bucket of the finest rollup, as incr_bulk does."""
    finest = TEN_SECONDS.seconds
    sums: dict[tuple[Series, int], int] = {}
    for series, timestamp, amount in increments:
        place = (series, timestamp - timestamp % finest)
        sums[place] = sums.get(place, 0) + amount
    return [Increment(series, timestamp, amount) for (series, timestamp), amount in sums.items()]


def in_pipelines(increments: list[Increment]) -> Iterator[list[Increment]]:
    """Yield the increments in parts of BULK_PIPELINE."""
    rest = iter(increments)
    while part := list(islice(rest, BULK_PIPELINE)):
        yield part


class Writing:
    """The comparisons of this benchmark, and the rows of its table."""

    def __init__(self, store: Store, hashes: HashPerBucket) -> None:
        self.store = store
        self.hashes = hashes
        self.rows: list[list[str]] = []

    def compare(self, name: str, events: int, rounds: int, contenders: Mapping[str, Callable[[], object]]) -> None:
        """Time the contenders. The first is the store. Add a row that compares it with each of the others."""
        times = take_turns(contenders, rounds)
        rates = {which: [events / lasted for lasted in each] for which, each in times.items()}
        ours, *others = rates
        for other in others:
            self.rows.append(
                [
                    name,
                    spread(rates[ours]).show(),
                    other,
                    spread(rates[other]).show(),
                    ratio(rates[ours], rates[other]).show(),
                ]
            )

    def one_by_one(self, source: random.Random) -> None:
        projects = [source.choice(PROJECTS) for _ in range(SINGLE_EVENTS)]

        def script() -> None:
            for project in projects:
                now = int(time.time())
                self.store.incr(series_of(project), now, now=now)

        def pipeline() -> None:
            for project in projects:
                self.hashes.incr_multi(increments_of([(project, int(time.time()))]))

        self.compare("one by one", SINGLE_EVENTS, ROUNDS, {"script": script, "pipeline": pipeline})

    def hundred_at_once(self, source: random.Random) -> None:
        groups = [source.sample(PROJECTS, 100) for _ in range(PIPELINES)]

        def script() -> None:
            for projects in groups:
                now = int(time.time())
                self.store.incr_multi(increments_of((project, now) for project in projects), now=now)

        def pipeline() -> None:
            for projects in groups:
                now = int(time.time())
                self.hashes.incr_multi(increments_of((project, now) for project in projects))

        self.compare("100 in a pipeline", 100 * PIPELINES, ROUNDS, {"script": script, "pipeline": pipeline})

    def bulk(self, name: str, events: list[Event], now: int) -> None:
        increments = increments_of(events)

        def script() -> None:
            self.store.incr_bulk(increments, now=now)

        def plain() -> None:
            for part in in_pipelines(increments):
                self.hashes.incr_multi(part)

        def added() -> None:
            for part in in_pipelines(added_up(increments)):
                self.hashes.incr_multi(part)

        contenders = {"script": script, "pipeline": plain, "pipeline, added up": added}
        self.compare(f"in bulk, {name}", len(events), BULK_ROUNDS, contenders)


def main() -> None:
    print(__doc__)
    source = random.Random(20260401)
    now = int(time.time())
    with servers.store_clients() as clients:
        writing = Writing(Store(clients, ROLLUPS), HashPerBucket(clients, ROLLUPS))
        for project in PROJECTS:
            writing.store.open(project)
        writing.one_by_one(source)
        writing.hundred_at_once(source)
        writing.bulk("uniform", uniform(source, now), now)
        writing.bulk("skewed", skewed(source, now), now)
    print_table(("how", "script, events/s", "against", "its events/s", "script/that"), writing.rows)


if __name__ == "__main__":
    main()
