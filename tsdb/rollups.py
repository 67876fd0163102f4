"""Rollups: the fixed resolutions at which every series is counted, and how long each is kept."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property

from tsdb.units import DAY, HOUR, MINUTE

INTEGER_BYTES = 8
"""Width of a count in a ring. Eight bytes decode fastest (`benchmarks/integer_width.py`) and hold 2**63 - 1;
five would save a third of the memory at twice the reading time of a full window."""

LARGEST = 2 ** (8 * INTEGER_BYTES - 1) - 1
"""The largest count. A count stops growing there."""

_MOST_BYTES = 1_000_000
"""Bytes of the slots of one ring, at most."""

FUTURE_SECONDS = 60
"""How far ahead of Redis' own clock a timestamp may be counted as it is."""

PAST_SECONDS = 60
"""How much longer than it says a rollup keeps its buckets, so that a client whose clock is behind by up to as much
still gets all of the longest window."""

DEFAULT_ROLLUPS = "10s:360,5m:300:0,1h:768:168,1d:400:90"
"""Ten seconds for an hour, five minutes for a day, hours for 32 days, days for 400. Which of them is chosen by itself
for a window is as Sentry has it. Local days are sums of hours, of five minutes where a zone is off by half of one."""

_UNITS = {"s": 1, "m": MINUTE, "h": HOUR, "d": DAY}
_LENGTH = re.compile(r"([0-9]{1,9})([smhd])")
_ROLLUP = re.compile(rf"{_LENGTH.pattern}:([0-9]{{1,6}})(?::([0-9]{{1,6}}))?")


class RollupError(ValueError):
    """A list of rollups breaks a rule; the message names it."""


@dataclass(frozen=True)
class Rollup:
    """Buckets of `seconds` length, of which the last `samples` are kept.

    `automatic` is the longest window, in buckets, for which this resolution is chosen by itself; 0: never.
    """

    seconds: int
    samples: int
    automatic: int = field(default=-1)

    def __post_init__(self) -> None:
        if self.automatic < 0:
            object.__setattr__(self, "automatic", self.samples)

    @cached_property
    def name(self) -> str:
        """The shape of a ring, as it stands in the ring's key: `10s373` has 373 slots of 10 seconds."""
        return f"{self.seconds}s{self.slots}"

    @cached_property
    def span(self) -> int:
        """Seconds that are kept, without the PAST_SECONDS on top."""
        return self.seconds * self.samples

    @cached_property
    def automatic_span(self) -> int:
        """The longest window in seconds for which this resolution is chosen by itself."""
        return self.seconds * self.automatic

    @cached_property
    def slots(self) -> int:
        """Slots of a ring: a window of exactly the span touches samples + 1 buckets. Beside it there is room for counts
        that lie ahead and for windows that end in the past, so that neither pushes out what is still retained."""
        return self.samples + 1 + -(-(FUTURE_SECONDS + PAST_SECONDS) // self.seconds)

    @cached_property
    def ttl(self) -> int:
        """Seconds after which a silent ring holds nothing that is retained."""
        return self.seconds * self.slots

    def bucket(self, timestamp: int) -> int:
        """The bucket that holds an instant (seconds since the epoch), counted from the epoch."""
        return timestamp // self.seconds

    def oldest_bucket(self, now: int) -> int:
        """The oldest bucket that is retained at `now`."""
        return (now - PAST_SECONDS) // self.seconds - self.samples


def parse_length(text: str) -> int | None:
    """Seconds of `10s`, `5m`, `1h`, `2d`; None where the text is not of that form."""
    match = _LENGTH.fullmatch(text)
    return int(match[1]) * _UNITS[match[2]] if match else None


def parse_rollups(text: str) -> tuple[Rollup, ...]:
    """Reads `10s:360,5m:300:0,1h:768:168`, finest first; check_rollups holds it to the rules. Raises RollupError."""
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
    """Raises RollupError with the rule that is broken."""
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
