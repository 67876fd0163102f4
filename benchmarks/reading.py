"""Reading the store: a series of one project and of a hundred projects, against a hash for each bucket.

Measured: `Store.get_range` of one series for each project, over 24 × 1 h, 360 × 10 s and 90 × 1 d, for 1 and for 100 of
400 projects with full rollups. Against: the same counts in benchmarks/hash_per_bucket.py, read by a pipeline of HGET
with the same client and server. Both are asked once before, and must answer the same.

Targets: at least 2, 10 and 4 times as fast for one project, and 14, 24 and 24 times for a hundred.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from benchmarks import servers
from benchmarks.fill import fill_hashes, fill_rings, open_projects
from benchmarks.hash_per_bucket import HashPerBucket
from benchmarks.measure import print_table, ratio, spread, take_turns, verdict
from benchmarks.rollups import DAYS, HOURS, ROLLUPS, TEN_SECONDS
from tsdb.outcomes import Category, Outcome
from tsdb.rollups import Rollup
from tsdb.series import Series, total
from tsdb.store import Store
from tsdb.timeline import Window

PROJECTS = range(1, 401)
ROUNDS = 15
MOST_REPEATS = 100
"""How often one project is read in a turn."""


class Case(NamedTuple):
    """A window of `points` buckets of a rollup, for this many projects. Rings must be `target` times as fast."""

    name: str
    rollup: Rollup
    points: int
    projects: int
    target: int


CASES = (
    Case("24 × 1 h", HOURS, 24, 1, 2),
    Case("360 × 10 s", TEN_SECONDS, 360, 1, 10),
    Case("90 × 1 d", DAYS, 90, 1, 4),
    Case("24 × 1 h", HOURS, 24, 100, 14),
    Case("360 × 10 s", TEN_SECONDS, 360, 100, 24),
    Case("90 × 1 d", DAYS, 90, 100, 24),
)


def repeat(times: int, run: Callable[[], object]) -> None:
    """Call `run` this many times."""
    for _ in range(times):
        run()


def measure(case: Case, store: Store, hashes: HashPerBucket, name: str, now: int) -> list[str]:
    """Return a row of the table. Raises AssertionError if the two layouts do not answer the same."""
    last = case.rollup.bucket(now)
    window = Window(case.rollup, last - case.points + 1, last)
    projects = list(PROJECTS)[:: len(PROJECTS) // case.projects]
    series = [Series(project, name) for project in projects]
    from_rings = partial(store.get_range, series, window, now=now)
    from_hashes = partial(hashes.get_range, name, projects, window)
    if {one.project: counts for one, counts in from_rings().items()} != from_hashes():
        raise AssertionError(f"{case.name}: the two layouts do not answer the same")
    # Repeat each so often that a turn is long enough to be timed.
    repeats = max(1, MOST_REPEATS // case.projects)
    times = take_turns(
        {"ring": partial(repeat, repeats, from_rings), "hash": partial(repeat, repeats, from_hashes)}, ROUNDS
    )
    faster = ratio(times["hash"], times["ring"])
    return [
        case.name,
        str(case.projects),
        *(spread(times[layout]).show(scale=1000 / repeats) for layout in ("ring", "hash")),
        faster.show(),
        verdict(faster.median >= case.target, f"at least {case.target}"),
    ]


def main() -> None:
    print(__doc__)
    now = int(time.time())
    name = total(1, Category.ERROR, Outcome.ACCEPTED).name
    with servers.store_clients() as clients:
        [server] = clients.write.servers()
        open_projects(server, PROJECTS, ROLLUPS)
        fill_rings(server, name, PROJECTS, ROLLUPS, now)
        fill_hashes(server, name, PROJECTS, ROLLUPS, now)
        store, hashes = Store(clients, ROLLUPS), HashPerBucket(clients, ROLLUPS)
        rows = [measure(case, store, hashes, name, now) for case in CASES]
    print_table(("window", "projects", "rings, ms", "hashes, ms", "times as fast", "target"), rows)


if __name__ == "__main__":
    main()
