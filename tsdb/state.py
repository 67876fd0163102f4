"""The state of a project in Redis: whether it can be counted into and read, and which rings it has.

It is one text under `ts:{7}:state`. Every script that counts compares it, and every read brings it along.

    open <shapes> <version> <filled>            counted into and read; the whole text is the version that intake knows
    closed <shapes> <version> <filled>          read, but not counted into until it is opened again
    rebuilding <shapes> <shapes> <filled>       rings of the first shapes are being carried over to the second shapes
    merging <shapes> from:7:<version> <filled>  the counts of project 7, as it was under that version, are moving here
    merging <shapes> into:8:<version> <filled>  its counts are moving to project 8
    emptying - <token> -                        all keys of its number are being deleted; then it has no state
    deleting - <token> -                        the same, and then its row is deleted

A change of a project's keys or filters closes the project. A process that meets one of the last five states finishes
the change (tsdb/settling.py, projects/services/settling.py) and asks again. So nobody sees half of a change, even if
the process that began it died.

<shapes> names the rings of each series, finest first: `10s373,3600s770` is 373 slots of 10 seconds and 770 of an hour.
<filled> says since when a resolution is complete if it is not complete for its whole retention: `3600=1541455200`.
Under 0 it says since when environments count more than accepted events, because an earlier version counted only these.
That earlier version wrote 16 hexadecimal digits for an open project and nothing for a closed one. It named its rings
`10x360`: 360 samples of 10 seconds.
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
_EARLIER = re.compile(r"[0-9a-f]{16}")


class Phase(StrEnum):
    """The first word of a state, or one of three phases that are not written."""

    ABSENT = "absent"
    """There is no state."""
    UNKNOWN = "unknown"
    """A text that no version wrote."""
    EARLIER = "earlier"
    """Written by an earlier version: the project is open."""
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
    """The shape of a ring: it has `slots` slots of `seconds` each. `name` stands at the end of the ring's key.

    It holds at least `samples` buckets before the bucket of `past` seconds ago.
    """

    seconds: int
    slots: int
    samples: int
    past: int
    name: str

    @property
    def is_earlier(self) -> bool:
        """Whether an earlier version wrote rings of this shape."""
        return "x" in self.name

    def oldest_bucket(self, now: int) -> int:
        """Return the oldest bucket that a ring of this shape certainly holds at `now` (seconds since the epoch)."""
        return (now - self.past) // self.seconds - self.samples


class State:
    """The state of a project, parsed from its text in Redis ("": none). parse_state shares it, so never change it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.raw = text.encode("latin-1", errors="replace")
        """The bytes in Redis."""
        match = _STATE.fullmatch(text)
        if not text:
            self.phase = Phase.ABSENT
        elif match:
            self.phase = Phase(match["phase"])
        else:
            self.phase = Phase.EARLIER if _EARLIER.fullmatch(text) else Phase.UNKNOWN
        self.shapes = match["shapes"] if match else NOTHING
        """The shapes of the rings that exist."""
        self.detail = match["detail"] if match else NOTHING
        pairs = (pair.partition("=") for pair in match["filled"].split(",") if "=" in pair) if match else ()
        self.filled: Mapping[int, int] = {int(seconds): int(since) for seconds, _, since in pairs}
        """For the seconds of a resolution: since when it is complete, seconds since the epoch."""

    def is_settled(self, shapes: str) -> bool:
        """Return whether a process that keeps rings of these shapes can read the project's rings as they are."""
        return self.phase in (Phase.OPEN, Phase.CLOSED) and self.shapes == shapes


@lru_cache(maxsize=1000)
def parse_state(text: str) -> State:
    """Return the state of a text, the same object for the same text."""
    return State(text)


def state_text(
    phase: Phase, shapes: str = NOTHING, detail: str = NOTHING, filled: Mapping[int, int] | None = None
) -> str:
    """Return the text of a state."""
    said = ",".join(f"{seconds}={since}" for seconds, since in sorted((filled or {}).items())) or NOTHING
    return f"{phase} {shapes} {detail} {said}"


def open_text(shapes: str, filled: Mapping[int, int] | None = None) -> str:
    """Return the text of an open state with a new version."""
    return state_text(Phase.OPEN, shapes, secrets.token_hex(8), filled)


def closed_text(shapes: str, filled: Mapping[int, int] | None = None) -> str:
    """Return the text of a closed state with a new version, so that a reader sees a change between two reads."""
    return state_text(Phase.CLOSED, shapes, secrets.token_hex(8), filled)


def tombstone_text(phase: Phase) -> str:
    """Return the text of a tombstone with a new token, so that a late finisher of one deletion does not end another."""
    return state_text(phase, detail=secrets.token_hex(8))


def shapes_text(rollups: Iterable[Rollup]) -> str:
    """Return the shapes of the rollups' rings, as a state names them."""
    return ",".join(rollup.name for rollup in rollups)


def parse_shapes(text: str) -> list[Shape]:
    """Return the shapes that a state names, of this version or an earlier one."""
    return [parse_shape(name) for name in text.split(",") if name not in ("", NOTHING)]


def parse_shape(name: str) -> Shape:
    """Return the shape with that name. Raises ValueError if it is no name of a shape."""
    match = _SHAPE.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} is no shape of a ring")
    seconds, number = int(match[1]), int(match[3])
    if match[2] == "x":
        return Shape(seconds, number + 1 + _ceil(FUTURE_SECONDS, seconds), number, 0, name)
    samples = number - 1 - _ceil(FUTURE_SECONDS + PAST_SECONDS, seconds)
    return Shape(seconds, number, samples, PAST_SECONDS, name)


class Carried(NamedTuple):
    """How a rollup gets its rings when rings of other shapes are carried over.

    since: since when it is complete, seconds since the epoch.
    source: the seconds of the earlier buckets that it is added up from. 0 means that it takes over earlier buckets of
        its own length, or has none.
    """

    rollup: Rollup
    since: int
    source: int


def carry_over(
    before: Sequence[Shape], filled: Mapping[int, int], rollups: Sequence[Rollup], now: int
) -> list[Carried]:
    """Return how each rollup gets its rings when rings of the shapes `before` are carried over at `now`."""

    def complete(seconds: int) -> int:
        """Return since when the earlier rings of that many seconds are complete."""
        oldest = min(shape.oldest_bucket(now) for shape in before if shape.seconds == seconds)
        return max(oldest * seconds, filled.get(seconds, 0))

    lengths = {shape.seconds for shape in before}
    carried = []
    for rollup in rollups:
        seconds, source = rollup.seconds, 0
        # A rollup without earlier counts is complete from the next bucket on.
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
    """Return since when each rollup is complete afterwards. One that is complete for its retention is left out."""
    after = {
        rollup.seconds: since for rollup, since, _ in carried if since > rollup.oldest_bucket(now) * rollup.seconds
    }
    if ENVIRONMENTS in filled:
        after[ENVIRONMENTS] = filled[ENVIRONMENTS]
    return after


def _ceil(number: int, divisor: int) -> int:
    return -(-number // divisor)
