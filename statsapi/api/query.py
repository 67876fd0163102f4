"""The query parameters of a stats endpoint, read strictly, and the window that they ask for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Context, Decimal

from statsapi.api.errors import BadQuery
from tsdb.outcomes import FILTERS, STATS
from tsdb.rollups import Rollup, parse_length
from tsdb.timeline import NS, Window, choose_rollup, points_of, window

MAX_POINTS = 10_000
"""More points than any chart shows or any client of Sentry's asks; refused before any work is done."""

DEFAULT_SECONDS = 86399
_NUMBER = re.compile(r"[+-]?([0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})([eE][+-]?[0-9]{1,3})?")
_EXACT = Context(prec=120)
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


def parse_stat(parameters: Mapping[str, str]) -> str:
    stat = parameters.get("stat") or "received"
    if stat not in STATS and stat not in FILTERS:
        raise BadQuery(f"Invalid stat: {stat}")
    return stat


def parse_time_range(parameters: Mapping[str, str], rollups: Sequence[Rollup], now_ns: int) -> TimeRange:
    """`since`, `until` and `resolution`, checked in the contract's order. Raises BadQuery."""
    asked = parameters.get("resolution")
    rollup = _parse_resolution(asked, rollups) if asked else None
    until = _parse_instant(parameters, "until", now_ns)
    since = _parse_instant(parameters, "since", until - DEFAULT_SECONDS * NS)
    if since > until:
        raise BadQuery("start must be before or equal to end")
    if rollup is None:
        rollup = choose_rollup(rollups, since, until, now_ns)
    _refuse_too_many(rollups, rollup, since, until)
    return TimeRange(window(rollup, since, until), now_ns // NS)


def parse_instant(text: str) -> int | None:
    """Nanoseconds since the epoch of a plain decimal number of seconds; None where it is none, or out of range."""
    if not _NUMBER.fullmatch(text):
        return None
    number = Decimal(text)
    if not _EARLIEST <= number < _LATEST:
        return None
    return int(_EXACT.multiply(number, Decimal(NS)).to_integral_value(ROUND_FLOOR, _EXACT))


def _parse_instant(parameters: Mapping[str, str], name: str, default: int) -> int:
    text = parameters.get(name)
    if not text:
        return default
    instant = parse_instant(text)
    if instant is None:
        raise BadQuery(f"{name} must be a numeric timestamp.")
    return instant


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
