"""The parameters of stats_v2 and stats-summary, checked in the order of the contract's texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from django.http import QueryDict

from statsapi.api.errors import BadQuery
from tsdb.outcomes import CATEGORY_NAMES, Category, Outcome
from tsdb.rollups import Rollup
from tsdb.series import Fact
from tsdb.timeline import Window

FIELDS = ("sum(quantity)", "sum(times_seen)")
GROUPS = ("outcome", "category", "reason", "project", "key_id")
MAX_POINTS = 1000
DEFAULT_SECONDS = 90 * 86400
DAY = 86400
TOO_MANY = "Your interval and date range would create too many results. Use a larger interval, or a smaller date range."

_PERIOD = re.compile(r"([0-9]{1,9})([smhdw])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": DAY, "w": 7 * DAY}
_LATEST = 253_402_300_800  # year 10000


@dataclass(frozen=True)
class StatsQuery:
    """`start` and `end` in seconds since the epoch, multiples of `interval`; an empty filter lets everything pass."""

    fields: tuple[str, ...]
    group_by: tuple[str, ...]
    start: int
    end: int
    interval: int
    rollup: Rollup
    projects: frozenset[int]
    categories: frozenset[str]
    outcomes: frozenset[str]
    reasons: frozenset[str]
    keys: frozenset[int]
    now: int

    def wants(self, fact: Fact) -> bool:
        return (
            (not self.categories or fact.category in self.categories)
            and (not self.outcomes or fact.outcome in self.outcomes)
            and (not self.reasons or fact.reason in self.reasons)
            and (not self.keys or fact.key in self.keys)
        )

    @property
    def has_series(self) -> bool:
        """Grouped by project there could be as many series as there are projects, so there are totals alone."""
        return "project" not in self.group_by

    @property
    def points(self) -> int:
        return (self.end - self.start) // self.interval

    @cached_property
    def window(self) -> Window:
        """The rollup's buckets from start to end, as far as they can hold anything."""
        seconds = self.rollup.seconds
        return Window(self.rollup, self.start // seconds, self.end // seconds - 1).held(self.now)

    @cached_property
    def places(self) -> list[int]:
        """In which interval each bucket of the window lies."""
        return [(timestamp - self.start) // self.interval for timestamp in self.window.timestamps()]

    @property
    def headers(self) -> dict[str, str]:
        """What an answer says of itself, as those of the stats endpoint do."""
        retained = self.rollup.oldest_bucket(self.now) * self.rollup.seconds
        return {"X-Stats-Resolution": str(self.rollup.seconds), "X-Stats-Retained-Since": str(retained)}


def parse_stats_query(
    parameters: QueryDict, rollups: Sequence[Rollup], now: int, *, summary: bool = False
) -> StatsQuery:
    """Raises BadQuery. A summary is always by category, and knows no groupBy."""
    fields = _words(parameters, "field", FIELDS)
    if not fields:
        raise BadQuery('At least one "field" is required.')
    group_by = () if summary else _words(parameters, "groupBy", GROUPS)
    categories = _categories(parameters.getlist("category"))
    outcomes = _words(parameters, "outcome", [outcome.value for outcome in Outcome])
    start, end = _range(parameters, now)
    asked = parameters.get("interval")
    totals_alone = summary or "project" in group_by
    interval = _interval(asked, rollups) if asked else _default_interval(rollups, start, now, totals_alone)
    if not categories and not summary and "category" not in group_by:
        raise BadQuery("Query must have category as groupby or filter")
    start, end = start - start % interval, end + -end % interval
    if (end - start) // interval > MAX_POINTS:
        raise BadQuery(TOO_MANY)
    return StatsQuery(
        fields=fields,
        group_by=group_by,
        start=start,
        end=end,
        interval=interval,
        rollup=_rollup(rollups, interval, start, now),
        projects=frozenset(_ids(parameters, "project")),
        categories=frozenset(categories),
        outcomes=frozenset(outcomes),
        reasons=frozenset(filter(None, parameters.getlist("reason"))),
        keys=frozenset(_ids(parameters, "key_id")),
        now=now,
    )


def _words(parameters: QueryDict, name: str, allowed: Sequence[str]) -> tuple[str, ...]:
    words = [word for word in parameters.getlist(name) if word]
    for word in words:
        if word not in allowed:
            raise BadQuery(f'Invalid {name}: "{word}"')
    return tuple(dict.fromkeys(words))


def _categories(words: list[str]) -> list[Category]:
    found = []
    for word in filter(None, words):
        category = CATEGORY_NAMES.get(word)
        if category is None:
            raise BadQuery(f'Invalid category: "{word}"')
        found.append(category)
    return found


def _ids(parameters: QueryDict, name: str) -> list[int]:
    """-1 stands for all, so does none at all."""
    words = [word for word in parameters.getlist(name) if word]
    for word in words:
        if not re.fullmatch(r"-1|[0-9]{1,18}", word):
            raise BadQuery(f"Invalid {name} parameter. Values must be numbers.")
    return [] if "-1" in words else [int(word) for word in words]


def _range(parameters: QueryDict, now: int) -> tuple[int, int]:
    period, start, end = (parameters.get(name) or "" for name in ("statsPeriod", "start", "end"))
    if period:
        match = _PERIOD.fullmatch(period)
        seconds = int(match[1]) * _UNITS[match[2]] if match else 0
        if not 0 < seconds <= now:
            raise BadQuery(f"Invalid statsPeriod: '{period}'")
        return now - seconds, now
    if not start and not end:
        return now - DEFAULT_SECONDS, now
    if not start or not end:
        raise BadQuery("start and end are both required")
    first, last = _instant("start", start), _instant("end", end)
    if first >= last:
        raise BadQuery("start must be before end")
    return min(first, now), last


def _instant(name: str, text: str) -> int:
    """Whole seconds since the epoch of an ISO 8601 date, in UTC where it has no zone, or of a number."""
    try:
        if re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,9})?", text):
            seconds = int(float(text))
        else:
            moment = datetime.fromisoformat(text)
            seconds = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        seconds = -1
    if not 0 <= seconds < _LATEST:
        raise BadQuery(f"{name} must be an ISO 8601 date or seconds since the epoch.")
    return seconds


def _interval(text: str, rollups: Sequence[Rollup]) -> int:
    match = _PERIOD.fullmatch(text)
    seconds = int(match[1]) * _UNITS[match[2]] if match else 0
    if seconds == 0:
        raise BadQuery(f"Invalid interval: '{text}'")
    if seconds > DAY:
        raise BadQuery("The interval has to be less than one day.")
    if DAY % seconds:
        raise BadQuery("The interval should divide one day without a remainder.")
    finest = rollups[0].seconds
    if seconds % finest:
        raise BadQuery(f"The interval has to be a multiple of {finest} seconds, the finest resolution.")
    return seconds


def _default_interval(rollups: Sequence[Rollup], start: int, now: int, totals_alone: bool) -> int:
    """An hour, or the finest rollup where that is coarser.

    Where no series is shown that could have a gap, the totals of a range that begins before what is retained by the
    hour are of a coarser rollup: else they would silently be of a part of the range.
    """
    hour = max(3600, rollups[0].seconds)
    if not totals_alone:
        return hour
    coarser = [rollup for rollup in rollups if rollup.seconds >= hour and DAY % rollup.seconds == 0]
    holding = [rollup for rollup in coarser if start // rollup.seconds >= rollup.oldest_bucket(now)]
    return (holding or coarser[-1:] or [Rollup(hour, 1)])[0].seconds


def _rollup(rollups: Sequence[Rollup], interval: int, start: int, now: int) -> Rollup:
    """The coarsest that divides the interval and still holds the start; else the one that goes back most."""
    dividing = [rollup for rollup in rollups if interval % rollup.seconds == 0]
    holding = [rollup for rollup in dividing if start // rollup.seconds >= rollup.oldest_bucket(now)]
    return (holding or dividing)[-1]
