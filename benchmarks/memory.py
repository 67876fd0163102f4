"""Memory of a series: rings of fixed size, against a hash for each bucket.

Measured: the bytes in Redis of one project with one series, over all rollups, with 2000 projects. Every bucket is
filled, or 10 % or 1 % of them at random, and both layouts hold the same counts. The bytes are the growth of the
server's `used_memory`, which includes keys and expiries, divided by the number of projects. Next to it is the sum of
`MEMORY USAGE` of all keys, which leaves the tables of keys and expiries out. Against: benchmarks/hash_per_bucket.py.
The size of the rings does not depend on the number of projects. That of the hashes does, because projects share a
hash's name and expiry.

The second table has the bytes of a kept bucket on the embedded server, and on a redis-server if there is one. Its
allocator, jemalloc, rounds a ring up to one of a few sizes.

Last comes what a project has only once, however many series it has: its state, the index of its series, and its running
totals.

Targets: with every bucket filled at most 0.95 of the hashes, and at most 8.5 bytes a kept bucket on the embedded
server.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable

import redis

from benchmarks import servers
from benchmarks.fill import fill_hashes, fill_rings
from benchmarks.measure import print_table, verdict
from benchmarks.rollups import KEPT, ROLLUPS, TEN_SECONDS
from tsdb.outcomes import Category, Outcome
from tsdb.series import Series, index_key, running_key, state_key, total
from tsdb.store import Store

PROJECTS = range(1, 2001)
SHARES = (1.0, 0.1, 0.01)
TARGET = 0.95
TARGET_A_BUCKET = 8.5
NAME = total(1, Category.ERROR, Outcome.ACCEPTED).name


def used_memory(client: redis.Redis) -> int:
    """Return the server's `used_memory`, in bytes."""
    return int(client.info("memory")["used_memory"])


def memory_usage(client: redis.Redis) -> int:
    """Return the sum of MEMORY USAGE of all keys, in bytes."""
    pipeline = client.pipeline(transaction=False)
    for key in client.scan_iter(count=1000):
        pipeline.memory_usage(key, samples=0)
    return sum(pipeline.execute())


def bytes_of(fill: Callable[..., None], now: int, share: float, binary: str | None = None) -> tuple[float, float]:
    """Fill an empty server, and return the growth of used_memory and the sum of MEMORY USAGE, each for one project."""
    with servers.store_clients(binary) as clients:
        [client] = clients.write.servers()
        before = used_memory(client)
        fill(client, NAME, PROJECTS, ROLLUPS, now, share)
        # The server frees the buffers of a connection that sent much only when the connection is closed.
        client.connection_pool.disconnect()
        grown = used_memory(client) - before
        return grown / len(PROJECTS), memory_usage(client) / len(PROJECTS)


def check_that_the_script_makes_the_same_rings(store: Store, now: int) -> None:
    """Raise AssertionError if fill_rings and the counting script write rings of different sizes.

    Then this benchmark would measure something that does not occur.
    """
    [client] = store.clients.write.servers()
    store.open(1)
    series = Series(1, NAME)
    for at in range(now - TEN_SECONDS.span, now + 1, TEN_SECONDS.seconds):
        store.incr([series], at, now=now)
    fill_rings(client, NAME, [2], ROLLUPS, now)
    for rollup in ROLLUPS:
        counted, filled = (client.memory_usage(Series(project, NAME).key(rollup)) or 0 for project in (1, 2))
        # A string that grew may differ by one size of the allocator from one that was set.
        if abs(counted - filled) > 32:
            raise AssertionError(f"{rollup.name}: a ring takes {counted} bytes when counted, {filled} when filled")


def once_a_project(client: redis.Redis) -> int:
    """Return the bytes of the keys that a project has once. Call check_that_the_script_makes_the_same_rings first."""
    return sum(client.memory_usage(key(1)) or 0 for key in (state_key, index_key, running_key))


def per_kept_bucket(now: int) -> None:
    """Print the second table."""
    rows = []
    for name, binary in (("embedded Valkey", None), ("redis-server", shutil.which("redis-server"))):
        if name == "redis-server" and binary is None:
            continue
        series, _ = bytes_of(fill_rings, now, 1, binary)
        target = "" if binary else verdict(series / KEPT <= TARGET_A_BUCKET, f"at most {TARGET_A_BUCKET}")
        rows.append((name, f"{series:.0f}", str(KEPT), f"{series / KEPT:.2f}", target))
    print_table(("a series, every bucket filled", "bytes", "kept buckets", "bytes a kept bucket", "target"), rows)


def main() -> None:
    print(__doc__)
    now = int(time.time())
    rows = []
    with servers.store_clients() as clients:
        check_that_the_script_makes_the_same_rings(Store(clients, ROLLUPS), now)
        [client] = clients.write.servers()
        once = once_a_project(client)
    for share in SHARES:
        ring, ring_said = bytes_of(fill_rings, now, share)
        hashed, hashed_said = bytes_of(fill_hashes, now, share)
        target = verdict(ring <= TARGET * hashed, f"at most {TARGET}") if share == 1 else ""
        said = f"{ring_said:.0f} : {hashed_said:.0f}"
        rows.append((f"{share:.0%}", f"{ring:.0f}", f"{hashed:.0f}", f"{ring / hashed:.2f}", said, target))
    headings = ("filled", "rings, bytes", "hashes, bytes", "rings/hashes", "both by MEMORY USAGE", "target")
    print_table(headings, rows)
    per_kept_bucket(now)
    print(f"Once a project: {once} bytes.\n")


if __name__ == "__main__":
    main()
