"""The query parameters of a stats endpoint, read strictly, and the window that they ask for."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal

from statsapi.api.errors import BadQuery
from tsdb.outcomes import FILTERS, STATS
from tsdb.rollups import Rollup, parse_length
from tsdb.timeline import NS, Window, choose_rollup, points_of, window

MAX_POINTS = 10_000
"""More points than any chart shows or any client of Sentry's asks; refused before any work is done."""

DEFAULT_SECONDS = 86399
_NUMBER = re.compile(r"[+-]?([0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})([eE][+-]?[0-9]{1,3})?")
_EXACT = Context(prec=1100)  # holds the difference of any two such numbers without rounding
_EARLIEST = -62_135_596_800  # year 1
_LATEST = 253_402_300_800  # year 10000


@dataclass(frozen=True)
class TimeRange:
    """`window` holds the buckets asked for; `now` is the request's one clock, whole seconds since the epoch."""

    window: Window
    now: int

    @property
    def retained_since(self) -> int:
        """Start of the oldest bucket that is still retained at this resolution, seconds since the epoch."""
        rollup = self.window.rollup
        return rollup.oldest_bucket(self.now) * rollup.seconds

    @property
    def headers(self) -> dict[str, str]:
        """What an answer says of itself."""
        return {
            "X-Stats-Resolution": str(self.window.rollup.seconds),
            "X-Stats-Retained-Since": str(self.retained_since),
        }


def parse_stat(parameters: Mapping[str, str]) -> str:
    stat = parameters.get("stat") or "received"
    if stat not in STATS and stat not in FILTERS:
        raise BadQuery(f"Invalid stat: {stat}")
    return stat


def parse_time_range(parameters: Mapping[str, str], rollups: Sequence[Rollup], now_ns: int) -> TimeRange:
    """`since`, `until` and `resolution`, checked in the contract's order. Raises BadQuery."""
    asked = parameters.get("resolution")
    rollup = _parse_resolution(asked, rollups) if asked else None
    until = _parse_instant(parameters, "until", Decimal(now_ns).scaleb(-9))
    since = _parse_instant(parameters, "since", _EXACT.subtract(until, Decimal(DEFAULT_SECONDS)))
    if since > until:
        raise BadQuery("start must be before or equal to end")
    if rollup is None:
        rollup = choose_rollup(rollups, int(_nanoseconds(since)), int(_nanoseconds(until)), now_ns)
    # How far apart they are makes the number of points: it is cut once, not both ends on their own.
    end = math.floor(_nanoseconds(until))
    start = end - math.floor(_nanoseconds(_EXACT.subtract(until, since)))
    _refuse_too_many(rollups, rollup, start, end)
    return TimeRange(window(rollup, start, end), now_ns // NS)


def parse_instant(text: str) -> Decimal | None:
    """Seconds since the epoch, exactly as written; None where it is no plain decimal number, or out of range."""
    if not _NUMBER.fullmatch(text):
        return None
    number = Decimal(text)
    return number if _EARLIEST <= number < _LATEST else None


def _parse_instant(parameters: Mapping[str, str], name: str, default: Decimal) -> Decimal:
    text = parameters.get(name)
    if not text:
        return default
    instant = parse_instant(text)
    if instant is None:
        raise BadQuery(f"{name} must be a numeric timestamp.")
    return instant


def _nanoseconds(seconds: Decimal) -> Decimal:
    return _EXACT.scaleb(seconds, 9)


def _parse_resolution(text: str, rollups: Sequence[Rollup]) -> Rollup:
    seconds = parse_length(text)
    for rollup in rollups:
        if rollup.seconds == seconds:
            return rollup
    raise BadQuery("Invalid resolution")


def _refuse_too_many(rollups: Sequence[Rollup], rollup: Rollup, since: int, until: int) -> None:
    points = points_of(rollup, since, until)
    if points <= MAX_POINTS:
        return
    fitting = [f"{one.seconds}s" for one in rollups if points_of(one, since, until) <= MAX_POINTS]
    advice = f"Resolutions that fit: {', '.join(fitting)}." if fitting else "Ask for a shorter range."
    raise BadQuery(f"The query would need {points} points at {rollup.seconds}s; the limit is {MAX_POINTS}. {advice}")
