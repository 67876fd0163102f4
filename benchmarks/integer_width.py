"""The width of a count in a ring: 8 bytes against 5.

Measured: decoding a full window of a ring in this process as tsdb/ring.py does it (8 bytes, big-endian, as BITFIELD
stores integers), and the bytes of a series in Redis over all rollups. Against: the same counts as 5-byte integers,
which hold 10^12 in a bucket. (4 bytes would overflow at 4.29·10^9.) They are decoded in the fastest way that was found
in Python: one slice for each of the five bytes puts it in its place in all integers, which are then unpacked as 8
bytes.

This decided INTEGER_BYTES = 8 (tsdb/rollups.py). With 5 bytes a series takes a third less memory, but twice the time to
decode.
"""

from __future__ import annotations

import random
import time
from functools import partial
from struct import unpack

from benchmarks import servers
from benchmarks.fill import random_counts, ring_of
from benchmarks.measure import print_table, ratio, spread, take_turns
from benchmarks.reading import repeat
from benchmarks.rollups import DAYS, FIVE_MINUTES, HOURS, ROLLUPS, TEN_SECONDS
from tsdb import ring
from tsdb.outcomes import Category, Outcome
from tsdb.rollups import Rollup
from tsdb.series import total
from tsdb.timeline import Window

POINTS = {TEN_SECONDS: 360, FIVE_MINUTES: 288, HOURS: 24, DAYS: 90}
ROUNDS = 25
REPEATS = 2000
NARROW = 5
HEADER = 8


def narrow(raw: bytes) -> bytes:
    """Return the ring with NARROW bytes for each slot."""
    slots = (raw[place : place + 8] for place in range(HEADER, len(raw), 8))
    return raw[:HEADER] + b"".join(slot[8 - NARROW :] for slot in slots)


def narrow_read(raw: bytes, window: Window, oldest: int) -> tuple[int, ...]:
    """Return what ring.read returns, for a narrow ring that exists."""
    slots = window.rollup.slots
    newest = int.from_bytes(raw[:HEADER], "big")
    first = max(window.first, newest - slots + 1, oldest)
    last = min(window.last, newest)
    start, end = first % slots, last % slots
    if start <= end:
        counts = _narrow_slots(raw, start, end)
    else:
        counts = _narrow_slots(raw, start, slots - 1) + _narrow_slots(raw, 0, end)
    return (0,) * (first - window.first) + counts + (0,) * (window.last - last)


def _narrow_slots(raw: bytes, first: int, last: int) -> tuple[int, ...]:
    part = raw[HEADER + NARROW * first : HEADER + NARROW * (last + 1)]
    wide = bytearray(8 * (last - first + 1))
    for place in range(NARROW):
        wide[8 - NARROW + place :: 8] = part[place::NARROW]
    return unpack(f">{last - first + 1}q", wide)


def measure(rollup: Rollup, now: int, source: random.Random) -> list[str]:
    """Return a row of the first table."""
    wide = ring_of(rollup, random_counts(rollup, now, 1, source))
    last, oldest = rollup.bucket(now), rollup.oldest_bucket(now)
    window = Window(rollup, last - POINTS[rollup] + 1, last)
    read_wide = partial(ring.read, wide, window, oldest)
    read_narrow = partial(narrow_read, narrow(wide), window, oldest)
    if read_wide() != read_narrow():
        raise AssertionError(f"{rollup.name}: the two widths do not read the same")
    times = take_turns(
        {"wide": partial(repeat, REPEATS, read_wide), "narrow": partial(repeat, REPEATS, read_narrow)}, ROUNDS
    )
    microseconds = 1_000_000 / REPEATS
    return [
        f"{POINTS[rollup]} × {rollup.seconds} s",
        spread(times["wide"]).show(scale=microseconds),
        spread(times["narrow"]).show(scale=microseconds),
        ratio(times["narrow"], times["wide"]).show(),
    ]


def memory() -> dict[int, int]:
    """Return the bytes of a series in Redis, by the width of its integers."""
    with servers.store_clients() as clients:
        sizes = {}
        for width in (8, NARROW):
            for rollup in ROLLUPS:
                key = total(1, Category.ERROR, Outcome.ACCEPTED).key(rollup)
                clients.write.set(key, bytes(HEADER + width * rollup.slots), ex=9)
            keys = list(clients.write.scan_iter())
            sizes[width] = sum(clients.write.memory_usage(key) or 0 for key in keys)
        return sizes


def main() -> None:
    print(__doc__)
    now = int(time.time())
    source = random.Random(20260401)
    rows = [measure(rollup, now, source) for rollup in ROLLUPS]
    print_table(("window", "8 bytes, µs", f"{NARROW} bytes, µs", f"{NARROW}/8"), rows)
    sizes = memory()
    share = f"{sizes[NARROW] / sizes[8]:.2f}"
    print_table(
        ("", "8 bytes", f"{NARROW} bytes", f"{NARROW}/8"),
        [("bytes a series, MEMORY USAGE", str(sizes[8]), str(sizes[NARROW]), share)],
    )


if __name__ == "__main__":
    main()
