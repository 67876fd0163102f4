"""The parameters of a project's page. They hold its whole state, so an address can be kept and handed on.

A value that cannot be obeyed never fails: the page shows its default instead, and says why.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from projects.durations import length_text
from statsapi.api.stats.query import END_OF_TIME
from statsapi.pages.project.names import find_category
from statsapi.pages.zones import PARAMETER, Zone, zone_names
from tsdb.local_days import day_start
from tsdb.outcomes import Category
from tsdb.rollups import Rollup, parse_length
from tsdb.units import DAY, HOUR, MINUTE, NS

_SECONDS = re.compile("[0-9]{1,12}")
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MINUTE = re.compile(rf"{_DAY.pattern}T[0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}})?")
_ORDER = ("range", "from", "to", "resolution", "category", "environment", PARAMETER, "before", "format")
"""The order of the parameters in every link, so that equal pages have equal addresses."""
LONGEST_SHOWN = 40
"""The most characters of a value that a message repeats."""


class Preset(NamedTuple):
    """A range that ends now.

    seconds: its length. The last `edge` of it, which is not over yet, counts as a whole one. So every page that shows
        the range, at whatever resolution, begins it at the same moment and has the same sums. Days of a zone are the
        exception: there are as many, and the last one is the zone's today.
    interval: the resolution at which it is shown by itself, in seconds.
    """

    name: str
    label: str
    seconds: int
    interval: int
    edge: int

    def start(self, now: int) -> int:
        """Return when the range begins, seconds since the epoch, as `now` is."""
        return max(0, now - now % self.edge + self.edge - self.seconds)

    def first_day(self, zone: ZoneInfo, now: int) -> int:
        """Return when the range begins if it is shown in days of a zone. A range of hours begins as otherwise."""
        if self.edge != DAY:
            return self.start(now)
        today = datetime.fromtimestamp(now, zone).date()
        return max(0, day_start(zone, today - timedelta(days=self.seconds // DAY - 1)))


PRESETS = {
    preset.name: preset
    for preset in (
        Preset("1h", "1 hour", HOUR, 10, edge=10),
        Preset("24h", "24 hours", DAY, 5 * MINUTE, edge=HOUR),
        Preset("7d", "7 days", 7 * DAY, HOUR, edge=HOUR),
        Preset("30d", "30 days", 30 * DAY, HOUR, edge=DAY),
        Preset("90d", "90 days", 90 * DAY, DAY, edge=DAY),
        Preset("400d", "400 days", 400 * DAY, DAY, edge=DAY),
    )
}
DEFAULT = PRESETS["24h"]


class Span(NamedTuple):
    """What was asked for with `from` and `to`, seconds since the epoch."""

    start: int
    end: int


@dataclass(frozen=True)
class PageQuery:
    """The checked parameters.

    start, end: seconds since the epoch. `span` has them as they were asked for, if they were.
    interval: the resolution that was asked for, in seconds; None for the one that fits the range.
    environment: a name, or an empty text for all.
    problems: a sentence for each value that could not be obeyed.
    """

    preset: Preset
    span: Span | None
    start: int
    end: int
    interval: int | None
    category: str
    zone: Zone
    before: bool
    environment: str
    problems: tuple[str, ...]

    @property
    def parameters(self) -> dict[str, str]:
        """What has to stand in an address that leads to the same page."""
        asked = {"range": self.preset.name}
        if self.span:
            asked = {"from": str(self.span.start), "to": str(self.span.end)}
        if self.interval:
            asked["resolution"] = length_text(self.interval)
        if self.category != Category.ERROR:
            asked["category"] = self.category
        if self.zone.chosen == "address":
            asked[PARAMETER] = self.zone.name
        if self.before:
            asked["before"] = "1"
        if self.environment:
            asked["environment"] = self.environment
        return asked

    def link(self, **changes: str | None) -> str:
        """Return the query string of the page with some parameters changed; None takes one away.

        Another range takes away the resolution, which belongs to the range.
        """
        replaced = {"range", "from", "to", "resolution"} if "range" in changes else set(changes)
        asked = {name: value for name, value in self.parameters.items() if name not in replaced}
        asked |= {name: value for name, value in changes.items() if value is not None}
        return f"?{urlencode(sorted(asked.items(), key=lambda pair: _ORDER.index(pair[0])))}"


def read_query(
    parameters: Mapping[str, str],
    zone: Zone,
    environments: Mapping[str, int],
    rollups: Sequence[Rollup],
    now_ns: int,
    counted: Callable[[], Collection[str]] = frozenset,
) -> PageQuery:
    """Return the checked parameters of a page. `now_ns` is in nanoseconds.

    `environments` are those of the project. `counted` returns the categories that can be asked for beside the known
    ones.
    """
    problems: list[str] = []
    now, until = now_ns // NS, -(-now_ns // NS)  # the second that has begun is included
    name = parameters.get(PARAMETER, "")
    if name and name not in zone_names():
        problems.append(f"“{shown(name)}” is no time zone that is known here. Times are in {zone.name}.")
    preset, span = DEFAULT, None
    if parameters.get("from") or parameters.get("to"):
        span = _span(parameters, zone.info, until, problems)
    elif asked := parameters.get("range"):
        if asked in PRESETS:
            preset = PRESETS[asked]
        else:
            names = ", ".join(PRESETS)
            problems.append(f"“{shown(asked)}” is no range. There are {names}, and “from” with “to”.")
    environment = parameters.get("environment", "")
    if environment and environment not in environments:
        problems.append(f"This project has no environment “{shown(environment)}”. All of them are shown.")
        environment = ""
    name = parameters.get("category", "")
    category = find_category(name, counted)
    if name and category is None:
        problems.append(f"“{shown(name)}” is no category. Errors are shown.")
    if environment and category not in (None, Category.ERROR):
        problems.append("Environments are counted for errors only. All environments are shown.")
        environment = ""
    return PageQuery(
        preset=preset,
        span=span,
        start=preset.start(now) if span is None else span.start,
        end=until if span is None else min(span.end, until),
        interval=_interval(parameters.get("resolution", ""), rollups, problems),
        category=category or Category.ERROR.value,
        zone=zone,
        before=parameters.get("before") == "1",
        environment=environment,
        problems=tuple(problems),
    )


def shown(text: str) -> str:
    """Return a value as a message repeats it: cut, if it is long."""
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def _span(parameters: Mapping[str, str], zone: ZoneInfo, until: int, problems: list[str]) -> Span | None:
    texts = parameters.get("from", ""), parameters.get("to", "")
    if not texts[0]:
        problems.append("A range needs “from”. The last 24 hours are shown.")
        return None
    start = _instant(texts[0], zone, is_end=False)
    end = _instant(texts[1], zone, is_end=True) if texts[1] else until
    for text, instant in zip(texts, (start, end), strict=True):
        if instant is None:
            problems.append(
                f"“{shown(text)}” is no time. Write it as 2026-03-29 or 2026-03-29T14:30, or as seconds since 1970. "
                "The last 24 hours are shown."
            )
    if start is None or end is None:
        return None
    if start >= end:
        problems.append("The range ends before it begins. The last 24 hours are shown.")
        return None
    if start >= until:
        problems.append("The range lies in the future. The last 24 hours are shown.")
        return None
    return Span(start, end)


def _instant(text: str, zone: ZoneInfo, *, is_end: bool) -> int | None:
    """Return seconds since the epoch; None for what is no time. A date as the end means the end of that day."""
    try:
        if _SECONDS.fullmatch(text):
            seconds = int(text)
        elif _DAY.fullmatch(text):
            seconds = day_start(zone, date.fromisoformat(text) + timedelta(days=is_end))
        elif _MINUTE.fullmatch(text):
            # If the clocks are set back, a time comes twice. The range has both.
            seconds = int(datetime.fromisoformat(text).replace(tzinfo=zone, fold=is_end).timestamp())
        else:
            return None
    except (ValueError, OverflowError):
        return None
    return seconds if 0 <= seconds < END_OF_TIME else None


def _interval(text: str, rollups: Sequence[Rollup], problems: list[str]) -> int | None:
    if not text:
        return None
    seconds = parse_length(text)
    offered = [rollup.seconds for rollup in rollups if DAY % rollup.seconds == 0]
    if seconds in offered:
        return seconds
    names = ", ".join(map(length_text, offered))
    problems.append(f"“{shown(text)}” is no resolution that is counted here. There are {names}.")
    return None
