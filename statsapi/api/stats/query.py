"""The query parameters of the stats endpoints, read strictly, and the window that they ask for."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Context, Decimal
from functools import cache, cached_property
from zoneinfo import ZoneInfo, available_timezones

from statsapi.api.errors import BadQuery
from statsapi.api.parameters import Choice, Parameter, Pattern
from statsapi.api.stats.csv_format import iso
from tsdb.local_days import LocalDays, first_day_from, local_days
from tsdb.outcomes import FILTERS, STATS
from tsdb.rollups import Rollup, parse_length
from tsdb.timeline import Retention, Starts, Window, choose_rollup, points_of, window
from tsdb.units import DAY, HOUR, MINUTE, NS

MAX_POINTS = 10_000
"""Most points of an answer, more than any chart shows or any client of Sentry's asks for. More are refused at once."""

DEFAULT_SECONDS = 86399
UNITS = {"s": 1, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
"""The seconds of each unit that a length of time may have."""
_NUMBER = re.compile(r"[+-]?([0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})([eE][+-]?[0-9]{1,3})?")
_EXACT = Context(prec=1100)  # holds the difference of any two such numbers without rounding
_EARLIEST = -62_135_596_800  # year 1
END_OF_TIME = 253_402_300_800  # year 10000


class Instant(Parameter):
    """A number of seconds since the epoch, which may have a fraction."""

    def __init__(self, name: str, description: str) -> None:
        super().__init__(name, description, {"type": "number", "minimum": _EARLIEST, "exclusiveMaximum": END_OF_TIME})

    def read(self, query: Mapping[str, str], default: Decimal) -> Decimal:
        """Return the instant exactly as written. Raises BadQuery."""
        text = self.text(query)
        if not text:
            return default
        instant = parse_instant(text)
        if instant is None:
            raise BadQuery(f"{self.name} must be a numeric timestamp.")
        return instant


def length_of_time(units: str) -> str:
    """Return the regular expression of a number and a unit, as `30m`. A length of zero does not match."""
    return f"(?!0+[{units}])([0-9]{{1,9}})([{units}])"


STAT = Choice("stat", "What to count.", [*STATS, *FILTERS], default="received")
SINCE = Instant("since", "Start, seconds since the epoch. Default: until - 86399.")
UNTIL = Instant("until", "End, seconds since the epoch. Default: now.")
PERIOD = Pattern(
    "statsPeriod", "How long before until it begins, unless since is given: `24h`, `14d`, …", length_of_time("smhdw")
)
RESOLUTION = Pattern(
    "resolution",
    "Length of a bucket, one of the configured rollups: `10s`, `1h`, `60m`, … Default: chosen by the window.",
    length_of_time("smhd"),
)
TIMEZONE = Parameter(
    "timezone", "IANA name. With a resolution of a day: days of that zone, as far back as hours are kept."
)
TIME_RANGE = [SINCE, UNTIL, PERIOD, RESOLUTION, TIMEZONE]
"""What parse_time_range reads."""

ENVIRONMENT = Parameter("environment", "The name of an environment, whose events alone are counted.")


@dataclass(frozen=True)
class TimeRange:
    """The buckets that are asked for, and how their counts become the points of the answer.

    `window` has the buckets to read. `retained_since` is the start of the oldest complete point, seconds since the
    epoch. `now` is the request's one clock, whole seconds. With `days`, each point is a day of a time zone.
    """

    window: Window
    retained_since: int
    now: int
    days: LocalDays | None = None

    @cached_property
    def starts(self) -> Starts:
        """The start of each point, seconds since the epoch, ascending."""
        return self.days.starts if self.days else self.window.timestamps()

    def counts(self, read: list[int]) -> list[int]:
        """Return a count for each point from the counts of the window's buckets."""
        return self.days.add_up(self.window, read) if self.days else read

    @property
    def headers(self) -> dict[str, str]:
        """The headers that describe the answer."""
        headers = {
            "X-Stats-Resolution": str(DAY if self.days else self.window.rollup.seconds),
            "X-Stats-Retained-Since": str(self.retained_since),
        }
        return {**headers, "X-Stats-Timezone": self.days.zone.key} if self.days else headers


def parse_time_range(
    parameters: Mapping[str, str], rollups: Sequence[Rollup], now_ns: int, retention: Callable[[], Retention]
) -> TimeRange:
    """Return the time range that the parameters ask for. Raises BadQuery.

    `resolution`, `timezone`, `until`, `since` and `statsPeriod` are checked in this order. `now_ns` is in nanoseconds.
    `retention` is called once, and only if the query is not refused before.
    """
    asked = RESOLUTION.text(parameters)
    rollup = _parse_resolution(asked, rollups) if asked else None
    name = TIMEZONE.text(parameters)
    zone = parse_timezone(name) if name else None
    until = UNTIL.read(parameters, Decimal(now_ns).scaleb(-9))
    since = _parse_since(parameters, until)
    if since > until:
        raise BadQuery("start must be before or equal to end")
    # The distance makes the number of points, so it is rounded once, instead of each end by itself.
    end = math.floor(_nanoseconds(until))
    start = end - math.floor(_nanoseconds(_EXACT.subtract(until, since)))
    _refuse_too_many(rollups, rollup or rollups[-1], start, end)
    kept = retention()
    if rollup is None:
        rollup = choose_rollup(rollups, int(_nanoseconds(since)), int(_nanoseconds(until)), kept)
        _refuse_too_many(rollups, rollup, start, end)
    if zone and rollup.seconds == DAY:
        return _days(zone, start, end, rollups, kept)
    return TimeRange(window(rollup, start, end), kept.since(rollup), now_ns // NS)


def parse_period(text: str) -> int | None:
    """Return the seconds of `90s`, `30m`, `24h`, `7d` or `2w`; None for zero and for texts of another form."""
    match = PERIOD.form.fullmatch(text)
    return int(match[1]) * UNITS[match[2]] if match else None


def parse_timezone(name: str) -> ZoneInfo | None:
    """Return the time zone of an IANA name; None if it is UTC. Raises BadQuery."""
    if name not in _zones():
        raise BadQuery(f"Invalid timezone: {name}")
    zone = ZoneInfo(name)
    return None if zone.utcoffset(None) == timedelta(0) else zone  # only zones that never change have an offset at None


def parse_instant(text: str) -> Decimal | None:
    """Return seconds since the epoch exactly as written; None if the text is no decimal number or out of range."""
    if not _NUMBER.fullmatch(text):
        return None
    number = Decimal(text)
    return number if _EARLIEST <= number < END_OF_TIME else None


def _parse_since(parameters: Mapping[str, str], until: Decimal) -> Decimal:
    period = PERIOD.text(parameters)
    if SINCE.text(parameters) or not period:
        return SINCE.read(parameters, _EXACT.subtract(until, Decimal(DEFAULT_SECONDS)))
    seconds = parse_period(period)
    since = _EXACT.subtract(until, Decimal(seconds or 0))
    if seconds is None or since < _EARLIEST:
        raise BadQuery(f"Invalid statsPeriod: '{period}'")
    return since


def rollup_of_days(days: LocalDays, rollups: Sequence[Rollup], kept: Retention, parameter: str) -> tuple[Rollup, int]:
    """Return the rollup whose buckets add up to the days, and the start of the first day that is complete.

    It is the rollup that goes back furthest of those whose buckets begin when the days do. Raises BadQuery if there is
    none, or if it is not kept since the first of the days; `parameter` is what said when they begin.
    """
    zone = days.zone
    dividing = [rollup for rollup in reversed(rollups) if rollup.seconds <= DAY and days.divided_by(rollup)]
    if not dividing:
        raise BadQuery(f"Days of {zone.key} are not sums of whole buckets of any resolution that is kept.")
    furthest = min(dividing, key=kept.since)
    since = first_day_from(zone, kept.since(furthest))
    if days.starts[0] < since:
        raise BadQuery(f"Days of {zone.key} can be answered since {iso(since)} ({since}). Ask for a later {parameter}.")
    return furthest, since


@cache
def _zones() -> frozenset[str]:
    """Return the names of all time zones. `localtime` is the machine's own, and left out."""
    return frozenset(available_timezones() - {"localtime"})


def _days(zone: ZoneInfo, start: int, end: int, rollups: Sequence[Rollup], kept: Retention) -> TimeRange:
    """Return the range in days of a zone. Raises BadQuery."""
    try:
        days = local_days(zone, start, end)
    except (ValueError, OverflowError):
        raise BadQuery("Local days can be answered from year 2 to year 9998.") from None
    rollup, since = rollup_of_days(days, rollups, kept, SINCE.name)
    now = kept.now // NS
    return TimeRange(days.window(rollup).held(now), since, now, days)


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
