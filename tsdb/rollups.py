"""Rollups: the fixed resolutions at which every series is counted, and how long each is kept."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property

from tsdb.units import DAY, HOUR, MINUTE

INTEGER_BYTES = 8
"""The width of a count in a ring. Eight bytes decode fastest and hold 2**63 - 1. Five bytes would save a third of the
memory and take twice as long to read a full window (`benchmarks/integer_width.py`)."""

LARGEST = 2 ** (8 * INTEGER_BYTES - 1) - 1
"""The largest count. A count stops growing there."""

_MOST_BYTES = 1_000_000
"""The most bytes that the slots of one ring may take."""

FUTURE_SECONDS = 60
"""How far ahead of Redis' own clock a timestamp may lie. A later one is counted at Redis' now."""

PAST_SECONDS = 60
"""How much longer than its span a rollup keeps its buckets. A client whose clock is behind by as much still gets all of
the longest window."""

DEFAULT_ROLLUPS = "10s:360,5m:300:0,1h:768:168,1d:400:90"
"""10 seconds for an hour, 5 minutes for 25 hours, hours for 32 days, days for 400.

Which of them is chosen automatically for a window is as in Sentry. The 5 minutes are there for local days, which are
sums of hours, or of 5 minutes in a zone whose offset is no whole hour.
"""

_UNITS = {"s": 1, "m": MINUTE, "h": HOUR, "d": DAY}
_LENGTH = re.compile(r"([0-9]{1,9})([smhd])")
_ROLLUP = re.compile(rf"{_LENGTH.pattern}:([0-9]{{1,6}})(?::([0-9]{{1,6}}))?")


class RollupError(ValueError):
    """A list of rollups breaks a rule. The message names the rule."""


@dataclass(frozen=True)
class Rollup:
    """Buckets of `seconds` length, of which the last `samples` are kept.

    `automatic` is the longest window, in buckets, for which this resolution is chosen automatically; 0 means never. By
    default it is `samples`.
    """

    seconds: int
    samples: int
    automatic: int = field(default=-1)

    def __post_init__(self) -> None:
        if self.automatic < 0:
            object.__setattr__(self, "automatic", self.samples)

    @cached_property
    def name(self) -> str:
        """The shape of this rollup's rings, as it ends their keys: `10s373` means 373 slots of 10 seconds."""
        return f"{self.seconds}s{self.slots}"

    @cached_property
    def span(self) -> int:
        """The number of seconds that are kept, without PAST_SECONDS."""
        return self.seconds * self.samples

    @cached_property
    def automatic_span(self) -> int:
        """The longest window, in seconds, for which this resolution is chosen automatically."""
        return self.seconds * self.automatic

    @cached_property
    def slots(self) -> int:
        """The number of slots of a ring.

        A window of exactly the span touches `samples` + 1 buckets. The other slots are room for counts that lie ahead
        and for windows that end in the past, so that neither pushes out a bucket that is still retained.
        """
        return self.samples + 1 + -(-(FUTURE_SECONDS + PAST_SECONDS) // self.seconds)

    @cached_property
    def ttl(self) -> int:
        """Seconds after which a ring without new counts holds nothing that is retained."""
        return self.seconds * self.slots

    def bucket(self, timestamp: int) -> int:
        """Return the bucket of an instant (seconds since the epoch). Buckets are numbered from the epoch."""
        return timestamp // self.seconds

    def oldest_bucket(self, now: int) -> int:
        """Return the oldest bucket that is retained at `now` (seconds since the epoch)."""
        return (now - PAST_SECONDS) // self.seconds - self.samples


def parse_length(text: str) -> int | None:
    """Return the seconds of a text such as `10s`, `5m`, `1h` or `2d`; None if it has another form."""
    match = _LENGTH.fullmatch(text)
    return int(match[1]) * _UNITS[match[2]] if match else None


def parse_rollups(text: str) -> tuple[Rollup, ...]:
    """Return the rollups of a text such as `10s:360,5m:300:0,1h:768:168`.

    Raises RollupError if the text has another form. `check_rollups` checks the other rules.
    """
    rollups = []
    for part in text.split(","):
        match = _ROLLUP.fullmatch(part.strip())
        if not match:
            raise RollupError(f"{part.strip()!r} is not <length><s|m|h|d>:<kept>[:<automatic>], as 10s:360 is.")
        kept = int(match[3])
        automatic = kept if match[4] is None else int(match[4])
        rollups.append(Rollup(int(match[1]) * _UNITS[match[2]], kept, automatic))
    return tuple(rollups)


def check_rollups(rollups: list[Rollup] | tuple[Rollup, ...]) -> None:
    """Raise RollupError if the rollups break a rule: finest first, each divides the next, each covers more time."""
    if not rollups:
        raise RollupError("At least one rollup is needed.")
    for rollup in rollups:
        label = f"{rollup.seconds}s:{rollup.samples}"
        if rollup.seconds < 1 or rollup.samples < 1:
            raise RollupError(f"{label}: length and number of buckets must be at least 1.")
        if rollup.slots * INTEGER_BYTES > _MOST_BYTES:
            raise RollupError(f"{label}: more than {_MOST_BYTES // INTEGER_BYTES} buckets make rings too large.")
        if rollup.automatic > rollup.samples:
            raise RollupError(f"{label}:{rollup.automatic}: no longer window can be chosen than what is kept.")
    for finer, coarser in zip(rollups, rollups[1:], strict=False):
        if coarser.seconds <= finer.seconds:
            raise RollupError(
                f"{coarser.seconds} s must be coarser than {finer.seconds} s before it (finest first, no two alike)."
            )
        if coarser.seconds % finer.seconds:
            raise RollupError(f"{finer.seconds} s must divide {coarser.seconds} s, so that their counts agree.")
        if coarser.span <= finer.span:
            raise RollupError(f"{coarser.seconds} s must cover more time than {finer.seconds} s does.")
