"""Rollups: the fixed resolutions at which every series is counted, and how long each is kept."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

INTEGER_BYTES = 8
"""Width of a count in a ring. Eight bytes decode fastest (`benchmarks/integer_width.py`) and hold 2**63 - 1;
five would save a third of the memory at twice the reading time of a full window."""

FUTURE_SECONDS = 60
"""How far ahead of Redis' own clock a timestamp may be counted as it is."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LENGTH = re.compile(r"([0-9]{1,9})([smhd])")
_ROLLUP = re.compile(rf"{_LENGTH.pattern}:([0-9]{{1,6}})")


class RollupError(ValueError):
    """A list of rollups breaks a rule; the message names it."""


@dataclass(frozen=True)
class Rollup:
    """Buckets of `seconds` length, of which the last `samples` are kept."""

    seconds: int
    samples: int

    @cached_property
    def name(self) -> str:
        """As it stands in a ring's key, so that a changed setting never misreads an old ring."""
        return f"{self.seconds}x{self.samples}"

    @cached_property
    def span(self) -> int:
        """Seconds that are retained."""
        return self.seconds * self.samples

    @cached_property
    def slots(self) -> int:
        """Slots of a ring: a window of exactly the span touches samples + 1 buckets, and counts that lie up to
        FUTURE_SECONDS ahead must not push out one that is still retained."""
        return self.samples + 1 + -(-FUTURE_SECONDS // self.seconds)

    @cached_property
    def ttl(self) -> int:
        """Seconds after which a silent ring holds nothing that is retained."""
        return self.seconds * self.slots

    def bucket(self, timestamp: int) -> int:
        """The bucket that holds an instant (seconds since the epoch), counted from the epoch."""
        return timestamp // self.seconds

    def oldest_bucket(self, now: int) -> int:
        """The oldest bucket that is retained at `now`."""
        return now // self.seconds - self.samples


def parse_length(text: str) -> int | None:
    """Seconds of `10s`, `5m`, `1h`, `2d`; None where the text is not of that form."""
    match = _LENGTH.fullmatch(text)
    return int(match[1]) * _UNITS[match[2]] if match else None


def parse_rollups(text: str) -> tuple[Rollup, ...]:
    """Reads `10s:360,1h:168,1d:90`, finest first; check_rollups holds it to the rules. Raises RollupError."""
    rollups = []
    for part in text.split(","):
        match = _ROLLUP.fullmatch(part.strip())
        if not match:
            raise RollupError(f"{part.strip()!r} is not <length><s|m|h|d>:<samples>, as 10s:360 is.")
        rollups.append(Rollup(int(match[1]) * _UNITS[match[2]], int(match[3])))
    return tuple(rollups)


def check_rollups(rollups: list[Rollup] | tuple[Rollup, ...]) -> None:
    """Raises RollupError with the rule that is broken."""
    if not rollups:
        raise RollupError("At least one rollup is needed.")
    for rollup in rollups:
        if rollup.seconds < 1 or rollup.samples < 1:
            raise RollupError(f"{rollup.name}: length and samples must be at least 1.")
        if rollup.slots * INTEGER_BYTES > 1_000_000:
            raise RollupError(f"{rollup.name}: more than {1_000_000 // INTEGER_BYTES} samples make rings too large.")
    for finer, coarser in zip(rollups, rollups[1:], strict=False):
        if coarser.seconds <= finer.seconds:
            raise RollupError(
                f"{coarser.name} must be coarser than {finer.name} before it (finest first, no two alike)."
            )
        if coarser.seconds % finer.seconds:
            raise RollupError(f"{finer.seconds} s must divide {coarser.seconds} s, so that their counts agree.")
        if coarser.span <= finer.span:
            raise RollupError(f"{coarser.name} must cover more time than {finer.name} does.")
