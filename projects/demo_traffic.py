"""The traffic of demo data: how many events of which kind arrived when. Pure functions without a clock or I/O.

Every count is a function of the random seed and of its hour, so a later or longer run produces the same past. Traffic
has a daily and a weekly rhythm. Spikes come a few times a week, and events of a spike beyond the key's quota are rate
limited.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import cos, pi
from random import Random
from typing import NamedTuple

from tsdb.outcomes import NO_REASON, Category, Outcome
from tsdb.rollups import Rollup
from tsdb.units import DAY, HOUR, MINUTE

NOISE = 0.3
"""How far an hour may deviate from the rhythm, up or down, as a fraction of it."""

PARCELS = 20
"""The most portions for each slot of a split hour, on average: enough to look real, and few enough to be fast."""


class Kind(NamedTuple):
    """Events that are counted into the same series. `share` is their number for each error received, on average."""

    share: float
    category: Category
    outcome: Outcome
    reason: str = NO_REASON
    environment: str | None = None


class Count(NamedTuple):
    """Events of one kind at one time."""

    kind: Kind
    timestamp: int
    """Seconds since the epoch."""
    amount: int
    """At least 1."""


@dataclass(frozen=True)
class Shape:
    """The traffic of a project, compared with what was asked for."""

    size: float
    """Errors a day, as a fraction of the number that was asked for."""
    swing: float
    """The daily rhythm, from 0 (nights are like days) to 1 (nights are silent)."""
    peak: int
    """The busiest hour of the day, 0 to 23, in UTC."""
    weekend: float
    """Traffic of a day of the weekend, as a fraction of an average day."""
    spikes: int
    """Spikes a week."""
    height: float
    """Traffic at the top of a spike, in multiples of the usual traffic."""
    quota: float
    """The quota, in multiples of the usual traffic. Errors of a spike beyond it are rate limited."""


SHAPES = (
    Shape(size=1.0, swing=0.75, peak=19, weekend=1.35, spikes=1, height=3, quota=2),
    Shape(size=0.04, swing=0.4, peak=11, weekend=0.15, spikes=0, height=1, quota=2),
    Shape(size=0.3, swing=0.15, peak=2, weekend=0.95, spikes=4, height=12, quota=4),
)
"""A shop that is busy in the evenings and on weekends, a quiet tool used in office hours, and a steady service that
breaks now and then."""

_ERROR, _TRANSACTION = Category.ERROR, Category.TRANSACTION
_FILTERED, _DISCARD = Outcome.FILTERED, Outcome.CLIENT_DISCARD
_REJECTED = Kind(0.01, _ERROR, Outcome.RATE_LIMITED, "key_quota", "production")
KINDS = (
    Kind(0.66, _ERROR, Outcome.ACCEPTED, environment="production"),
    Kind(0.10, _ERROR, Outcome.ACCEPTED, environment="staging"),
    Kind(0.04, _ERROR, Outcome.ACCEPTED, environment="development"),
    Kind(0.06, _ERROR, _FILTERED, "browser-extensions", "production"),
    Kind(0.05, _ERROR, _FILTERED, "web-crawlers", "production"),
    Kind(0.03, _ERROR, _FILTERED, "localhost", "production"),
    Kind(0.03, _ERROR, _FILTERED, "legacy-browsers", "production"),
    Kind(0.01, _ERROR, _FILTERED, "error-message", "production"),
    Kind(0.01, _ERROR, _FILTERED, "ip-address", "production"),
    _REJECTED,
    # The kinds from here on are in no stat of received errors.
    Kind(0.004, _ERROR, Outcome.INVALID, "invalid_json"),
    Kind(0.002, _ERROR, Outcome.INVALID, "too_large"),
    Kind(0.001, _ERROR, Outcome.ABUSE),
    Kind(0.03, _ERROR, _DISCARD, "before_send"),
    Kind(0.01, _ERROR, _DISCARD, "network_error"),
    Kind(2.00, _TRANSACTION, Outcome.ACCEPTED),
    Kind(0.05, _TRANSACTION, _FILTERED, "web-crawlers"),
    Kind(1.00, _TRANSACTION, _DISCARD, "sample_rate"),
    Kind(0.70, Category.SESSION, Outcome.ACCEPTED),
    Kind(0.08, Category.ATTACHMENT_ITEM, Outcome.ACCEPTED),
    Kind(160, Category.ATTACHMENT, Outcome.ACCEPTED),  # bytes
    Kind(0.01, Category.METRIC_BUCKET, Outcome.CARDINALITY_LIMITED),
)


def first_day(days: int, now: int) -> int:
    """Return the midnight (UTC, seconds since the epoch) at which data for `days` whole days and today begin."""
    return now - now % DAY - days * DAY


def counts_of_day(
    shape: Shape, day: int, *, events_per_day: int, seed: str, now: int, rollups: Sequence[Rollup]
) -> Iterator[Count]:
    """Yield the counts from the midnight `day` to the next midnight, but none after `now`. Both are in seconds.

    `events_per_day` is the number of errors received on an average day, for a shape of size 1. Each hour is counted at
    the finest resolution that retains any part of it, so that all rollups that retain the whole hour agree. Hours that
    no rollup retains are left out.
    """
    usual = shape.size * events_per_day / 24 * _of_weekday(shape, day)
    spikes = _spikes(shape, day, seed)
    for hour in range(day, min(day + DAY, now + 1), HOUR):
        step = _resolution(hour, now, rollups)
        if step is None:
            continue
        expected = usual * (1 + shape.swing * cos((hour % DAY / HOUR - shape.peak) * pi / 12))
        amounts = _amounts(expected, spikes.get(hour, 1), shape.quota, Random(f"{seed} {hour}"))  # noqa: S311
        if step >= HOUR and hour + HOUR <= now:
            yield from (Count(kind, hour - hour % step, amount) for kind, amount in amounts)
        else:
            slots = range(hour, hour + HOUR, step if step < HOUR else MINUTE)
            yield from _split(amounts, slots, now, Random(f"{seed} {hour} split"))  # noqa: S311


def _of_weekday(shape: Shape, day: int) -> float:
    """Return the day's traffic as a multiple of an average day's. The factors of a week add up to 7."""
    is_weekend = (day // DAY + 3) % 7 >= 5  # the epoch was a Thursday
    return shape.weekend if is_weekend else (7 - 2 * shape.weekend) / 5


def _spikes(shape: Shape, day: int, seed: str) -> dict[int, float]:
    """Return the hours of the day's week that have a spike, and the multiple of the usual traffic in each."""
    week = day // DAY // 7
    chance = Random(f"{seed} week {week}")  # noqa: S311
    found: dict[int, float] = {}
    for _ in range(shape.spikes):
        start = (week * 7 * 24 + int(chance.random() * 7 * 24)) * HOUR
        found |= {start: shape.height, start + HOUR: shape.height / 2, start + 2 * HOUR: shape.height / 4}
    return {hour: max(1, factor) for hour, factor in found.items()}


def _resolution(hour: int, now: int, rollups: Sequence[Rollup]) -> int | None:
    """Return the resolution, in seconds, of the finest rollup that retains any part of the hour; None if none does."""
    last = hour + HOUR - 1
    return next((rollup.seconds for rollup in rollups if rollup.bucket(last) >= rollup.oldest_bucket(now)), None)


def _amounts(expected: float, factor: float, quota: float, chance: Random) -> list[tuple[Kind, int]]:
    """Return how many events of each kind arrived in an hour. Kinds without any are left out.

    `expected` is the usual number of errors, `factor` the multiple of it in a spike (1: no spike), and `quota` the
    multiple beyond which errors are rate limited.
    """
    amounts = []
    for kind in KINDS:
        share = kind.share
        if kind.category is Category.ERROR:
            share *= min(factor, quota)
        if kind is _REJECTED:
            share += max(0, factor - quota)
        # Round up with the probability of the fraction, so that small kinds are not lost.
        amount = int(share * expected * (1 - NOISE + 2 * NOISE * chance.random()) + chance.random())
        if amount:
            amounts.append((kind, amount))
    return amounts


def _split(amounts: list[tuple[Kind, int]], slots: range, now: int, chance: Random) -> Iterator[Count]:
    """Spread an hour's amounts over its slots at random, and leave out the slots after `now`."""
    for kind, amount in amounts:
        parcels = min(amount, PARCELS * len(slots))
        size, rest = divmod(amount, parcels)
        in_slot = [0] * len(slots)
        for place in range(parcels):
            in_slot[int(chance.random() * len(slots))] += size + (place < rest)
        for slot, found in zip(slots, in_slot, strict=True):
            if found and slot <= now:
                yield Count(kind, slot, found)
