"""The state of a project in Redis: may it be counted into and read, and which rings are there.

It is one text under `ts:{7}:state`. Every script that counts compares it, and every read brings it along.

    open <shapes> <version> <filled>        counted into and read; intake knows the project under the whole text
    closed <shapes> <version> <filled>      read, but not counted into until it is opened: its keys or filters changed
    rebuilding <shapes> <shapes> <filled>   rings of the first shapes are being carried over to the second ones
    merging <shapes> from:7:<version> <filled>   the counts of project 7, as it was under that version, are to come here
    merging <shapes> into:8:<version> <filled>   its counts are on their way to project 8
    emptying - <token> -                    all keys of its number are being deleted; then it has no state
    deleting - <token> -                    likewise, and then its row goes

Whoever meets one of the last five finishes what was begun (Store.settle, projects/services/settling.py) and asks again:
so nobody sees a half, whoever died in the middle.

<shapes> names the rings of each series, finest first: `10s373,3600s770` is 373 slots of 10 seconds and 770 of an hour.
<filled> says since when a resolution is complete where a changed setting left it short: `3600=1541455200`; and under 0
since when environments count more than accepted events, where an earlier version counted these alone.
The version before this one wrote 16 hexadecimal digits for an open project and nothing for a closed one, and named its
rings `10x360`: 360 samples of 10 seconds.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from tsdb.rollups import FUTURE_SECONDS, PAST_SECONDS, Rollup
from tsdb.timeline import ENVIRONMENTS

NOTHING = "-"
_SHAPE = re.compile(r"([0-9]{1,9})([sx])([0-9]{1,7})")
_SHAPES = rf"{NOTHING}|[0-9sx]+(?:,[0-9sx]+)*"
_FILLED = rf"{NOTHING}|[0-9]{{1,9}}=[0-9]{{1,12}}(?:,[0-9]{{1,9}}=[0-9]{{1,12}})*"
_BEFORE = re.compile(r"[0-9a-f]{16}")


class Phase(StrEnum):
    ABSENT = "absent"
    STRANGE = "strange"
    BEFORE = "before"
    """Written by the version before."""
    OPEN = "open"
    CLOSED = "closed"
    REBUILDING = "rebuilding"
    MERGING = "merging"
    EMPTYING = "emptying"
    DELETING = "deleting"


_STATE = re.compile(
    r"(?P<phase>open|closed|rebuilding|merging|emptying|deleting)"
    rf" (?P<shapes>{_SHAPES}) (?P<detail>[^ ]+) (?P<filled>{_FILLED})"
)


class Shape(NamedTuple):
    """A ring's `slots` of `seconds`, and its name at the end of the ring's key.

    It holds `samples` buckets before the one that was `past` seconds ago.
    """

    seconds: int
    slots: int
    samples: int
    past: int
    name: str

    @property
    def is_of_before(self) -> bool:
        """Whether the version before this one named it."""
        return "x" in self.name

    def oldest_bucket(self, now: int) -> int:
        """The oldest bucket that such a ring surely holds at `now`."""
        return (now - self.past) // self.seconds - self.samples


class State:
    """A state as it stands in Redis. Immutable. What no version wrote is of phase STRANGE."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.raw = text.encode("latin-1", errors="replace")
        """As Redis has it."""
        match = _STATE.fullmatch(text)
        if not text:
            self.phase = Phase.ABSENT
        elif match:
            self.phase = Phase(match["phase"])
        else:
            self.phase = Phase.BEFORE if _BEFORE.fullmatch(text) else Phase.STRANGE
        self.shapes = match["shapes"] if match else NOTHING
        """Of the rings that are there."""
        self.detail = match["detail"] if match else NOTHING
        pairs = (pair.partition("=") for pair in match["filled"].split(",") if "=" in pair) if match else ()
        self.filled: Mapping[int, int] = {int(seconds): int(since) for seconds, _, since in pairs}
        """seconds of a resolution -> the instant (epoch) since when it is complete."""

    def is_settled(self, shapes: str) -> bool:
        """Whether its rings can be read as they are by who keeps rings of these shapes."""
        return self.phase in (Phase.OPEN, Phase.CLOSED) and self.shapes == shapes


@lru_cache(maxsize=1000)
def parse_state(text: str) -> State:
    return State(text)


def state_text(
    phase: Phase, shapes: str = NOTHING, detail: str = NOTHING, filled: Mapping[int, int] | None = None
) -> str:
    said = ",".join(f"{seconds}={since}" for seconds, since in sorted((filled or {}).items())) or NOTHING
    return f"{phase} {shapes} {detail} {said}"


def open_text(shapes: str, filled: Mapping[int, int] | None = None) -> str:
    """An open state with a version of its own."""
    return state_text(Phase.OPEN, shapes, secrets.token_hex(8), filled)


def closed_text(shapes: str, filled: Mapping[int, int] | None = None) -> str:
    """A closed state with a version of its own: a reader sees that something happened between two looks."""
    return state_text(Phase.CLOSED, shapes, secrets.token_hex(8), filled)


def tombstone_text(phase: Phase) -> str:
    """A tombstone of its own: who is late with the end of one deletion does not end the next one."""
    return state_text(phase, detail=secrets.token_hex(8))


def shapes_text(rollups: Iterable[Rollup]) -> str:
    return ",".join(rollup.name for rollup in rollups)


def parse_shapes(text: str) -> list[Shape]:
    """Shapes as a state names them, of this version or the one before."""
    return [parse_shape(name) for name in text.split(",") if name not in ("", NOTHING)]


def parse_shape(name: str) -> Shape:
    """Raises ValueError."""
    match = _SHAPE.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} is no shape of a ring")
    seconds, number = int(match[1]), int(match[3])
    if match[2] == "x":
        return Shape(seconds, number + 1 + _ceil(FUTURE_SECONDS, seconds), number, 0, name)
    samples = number - 1 - _ceil(FUTURE_SECONDS + PAST_SECONDS, seconds)
    return Shape(seconds, number, samples, PAST_SECONDS, name)


class Carried(NamedTuple):
    """How a rollup comes to its rings when rings of other shapes are carried over.

    It is complete from `since` on, seconds since the epoch. `source` is the length in seconds of the earlier buckets
    that it is added up from; 0: it has buckets of its own from earlier, or none.
    """

    rollup: Rollup
    since: int
    source: int


def carry_over(
    before: Sequence[Shape], filled: Mapping[int, int], rollups: Sequence[Rollup], now: int
) -> list[Carried]:
    """How each rollup comes to its rings when those of the shapes `before` are carried over at `now`."""

    def complete(seconds: int) -> int:
        """Since when the earlier rings of that length are complete."""
        oldest = min(shape.oldest_bucket(now) for shape in before if shape.seconds == seconds)
        return max(oldest * seconds, filled.get(seconds, 0))

    lengths = {shape.seconds for shape in before}
    carried = []
    for rollup in rollups:
        seconds, source = rollup.seconds, 0
        # The next bucket is complete in any case.
        since = (rollup.bucket(now + FUTURE_SECONDS) + 1) * seconds
        if seconds in lengths:
            since = complete(seconds)
        else:
            for length in lengths:
                first = _ceil(complete(length), seconds) * seconds
                if seconds % length == 0 and first < since:
                    since, source = first, length
        carried.append(Carried(rollup, max(since, rollup.oldest_bucket(now) * seconds), source))
    return carried


def filled_after(carried: Iterable[Carried], filled: Mapping[int, int], now: int) -> dict[int, int]:
    """Since when each rollup is complete then. One that is complete for as long as it is retained is left out."""
    after = {
        rollup.seconds: since for rollup, since, _ in carried if since > rollup.oldest_bucket(now) * rollup.seconds
    }
    if ENVIRONMENTS in filled:
        after[ENVIRONMENTS] = filled[ENVIRONMENTS]
    return after


def _ceil(number: int, divisor: int) -> int:
    return -(-number // divisor)
