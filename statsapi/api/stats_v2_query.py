"""The parameters of stats_v2 and stats-summary, checked in the order of the contract's texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.http import QueryDict

from statsapi.api.errors import BadQuery
from statsapi.ingest.categories import known_category
from tsdb.outcomes import Category, Outcome
from tsdb.rollups import Rollup
from tsdb.series import Fact
from tsdb.timeline import Window

FIELDS = ("sum(quantity)", "sum(times_seen)")
GROUPS = ("outcome", "category", "reason", "project", "key_id")
MAX_POINTS = 1000
DEFAULT_SECONDS = 90 * 86400
DAY = 86400

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
    def points(self) -> int:
        return (self.end - self.start) // self.interval

    @property
    def window(self) -> Window:
        """The rollup's buckets from start to end, as far as they can still hold anything; at least one."""
        last = self.end // self.rollup.seconds - 1
        first = max(self.start // self.rollup.seconds, self.rollup.oldest_bucket(self.now))
        return Window(self.rollup, min(first, last), last)

    def place(self, timestamp: int) -> int:
        """In which interval an instant lies."""
        return (timestamp - self.start) // self.interval


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
    interval = _interval(parameters.get("interval") or "1h", rollups)
    if not categories and not summary and "category" not in group_by:
        raise BadQuery("Query must have category as groupby or filter")
    start, end = start - start % interval, end + -end % interval
    if (end - start) // interval > MAX_POINTS:
        raise BadQuery(
            "Your interval and date range would create too many results. "
            "Use a larger interval, or a smaller date range."
        )
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
        category = known_category(word)
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
    first = min(first, now)
    if first >= last:
        raise BadQuery("start must be before end")
    return first, last


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


def _rollup(rollups: Sequence[Rollup], interval: int, start: int, now: int) -> Rollup:
    """The coarsest that divides the interval and still holds the start; else the one that goes back most."""
    dividing = [rollup for rollup in rollups if interval % rollup.seconds == 0]
    holding = [rollup for rollup in dividing if start // rollup.seconds >= rollup.oldest_bucket(now)]
    return (holding or dividing)[-1]
