"""The parameters of stats_v2 and stats-summary, checked in the order of docs/contract.md#stats_v2."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.http import QueryDict

from statsapi.api.errors import BadQuery
from statsapi.api.parameters import ID, ID_DIGITS, SLUG_OR_ID, Choices, Parameter, Pattern, Patterns, Texts
from statsapi.api.stats.query import END_OF_TIME, PERIOD, UNITS, parse_period, parse_timezone
from tsdb.facts import Kind, Question
from tsdb.outcomes import CATEGORY_NAMES, Outcome
from tsdb.rollups import Rollup
from tsdb.units import DAY, HOUR, NS

DEFAULT_SECONDS = 90 * DAY
_LENGTH = re.compile("0*([0-9]+)([smhdw])")

FIELD = Choices("field", "What to add up.", ("sum(quantity)", "sum(times_seen)"), required=True)
INTERVAL = Parameter(
    "interval",
    "`1h`, `10m`, …; divides a day. The answer is at the next longer one where it is not kept since the start. "
    "Default, also for `auto` and what is no length of time: 1h.",
)
STATS_PERIOD = Pattern("statsPeriod", "`<n>` m, h, d, w or s, until now.", PERIOD.form.pattern)
START = Parameter("start", "ISO 8601, without zone in UTC, or seconds since the epoch.")
END = Parameter("end", "As start.")
TIMEZONE = Parameter(
    "timezone", "IANA name. With an interval of a day: days of that zone, as far back as hours are kept."
)
PROJECT = Patterns(
    "project",
    "Ids or slugs; -1: all.",
    f"-1|{SLUG_OR_ID}",
    "Invalid project parameter. Values must be numbers or slugs.",
)
CATEGORY = Texts("category", "Only these: known ones, and those that the organization's projects ever counted.")
OUTCOME = Choices("outcome", "Only these.", [outcome.value for outcome in Outcome])
REASON = Texts("reason", "Only these.")
KEY_ID = Patterns(
    "key_id",
    "Only these keys, by numeric id; 0: what came without a key.",
    f"-1|{ID}",
    "Invalid key_id parameter. Values must be numbers.",
    {"type": "integer", "minimum": -1, "maximum": 10**ID_DIGITS - 1},
)
GROUP_BY = Choices("groupBy", "How to group.", ("outcome", "category", "reason", "project", "key_id"))

SUMMARY_PARAMETERS = [
    FIELD, INTERVAL, TIMEZONE, STATS_PERIOD, START, END, PROJECT, CATEGORY, OUTCOME, REASON, KEY_ID
]  # fmt: skip
"""What parse_stats_query reads for a summary."""

V2_PARAMETERS = [*SUMMARY_PARAMETERS, GROUP_BY]
"""What parse_stats_query reads otherwise."""


@dataclass(frozen=True)
class Asked:
    """The checked parameters of a query.

    `start` and `end` are in seconds since the epoch. `projects` are ids or slugs. An empty filter lets everything pass.
    Days are those of `zone`, or of UTC if it is None.
    """

    fields: tuple[str, ...]
    group_by: tuple[str, ...]
    start: int
    end: int
    interval: int
    projects: frozenset[str]
    categories: frozenset[str]
    outcomes: frozenset[str]
    reasons: frozenset[str]
    keys: frozenset[int]
    zone: ZoneInfo | None = None

    def wants(self, kind: Kind) -> bool:
        """Return whether the filters let this kind of facts pass."""
        return (
            (not self.categories or kind.category in self.categories)
            and (not self.outcomes or kind.outcome in self.outcomes)
            and (not self.reasons or kind.reason in self.reasons)
        )

    def by(self, *names: str) -> Question:
        """Return the question for the facts that are asked for, added up by these words of GROUP_BY."""
        return Question(self.wants, self.keys, ["key" if name == "key_id" else name for name in names])

    @property
    def has_series(self) -> bool:
        """Whether the answer has series. By project there could be too many, so there are totals only."""
        return "project" not in self.group_by


def parse_stats_query(
    parameters: QueryDict,
    rollups: Sequence[Rollup],
    now_ns: int,
    *,
    counted: Callable[[], Collection[str]] = frozenset,
    summary: bool = False,
) -> Asked:
    """Return the checked parameters. Raises BadQuery.

    A summary is always by category, and has no groupBy. `now_ns` is in nanoseconds. `counted` returns the categories
    that can be asked for beside the known ones. It is called only if one of them is asked for.
    """
    now = now_ns // NS
    fields = FIELD.read(parameters)
    if not fields:
        raise BadQuery('At least one "field" is required.')
    group_by = () if summary else GROUP_BY.read(parameters)
    categories = _categories(CATEGORY.texts(parameters), counted)
    outcomes = OUTCOME.read(parameters)
    period = STATS_PERIOD.text(parameters)
    until = -(-now_ns // NS)  # the second that has begun is included
    start, end = (0, 0) if period else _dates(parameters, now, until)
    if not categories and not summary and "category" not in group_by:
        raise BadQuery("Query must have category as groupby or filter")
    if period:
        start, end = _period(period, now), until
    interval = _interval(INTERVAL.text(parameters) or "", rollups)
    zone = TIMEZONE.text(parameters)
    return Asked(
        fields=fields,
        group_by=group_by,
        start=start,
        end=end,
        interval=interval,
        zone=parse_timezone(zone) if zone else None,
        projects=frozenset(_all_or(PROJECT.read(parameters))),
        categories=frozenset(categories),
        outcomes=frozenset(outcomes),
        reasons=frozenset(REASON.texts(parameters)),
        keys=frozenset(map(int, _all_or(KEY_ID.read(parameters)))),
    )


def _categories(names: Collection[str], counted: Callable[[], Collection[str]]) -> list[str]:
    """Return the categories that the names mean. Raises BadQuery."""
    unknown = [name for name in names if name not in CATEGORY_NAMES]
    there = counted() if unknown else ()
    for name in unknown:
        if name not in there:
            raise BadQuery(f'Invalid {CATEGORY.name}: "{name}"')
    return [CATEGORY_NAMES.get(name, name) for name in names]


def _all_or(words: list[str]) -> list[str]:
    """Return the words; an empty list, which lets everything pass, if -1 is one of them."""
    return [] if "-1" in words else words


def _period(text: str, now: int) -> int:
    """Return the start of a period that ends now, seconds since the epoch. Raises BadQuery."""
    seconds = parse_period(text)
    if seconds is None or seconds > now:
        raise BadQuery(f"Invalid statsPeriod: '{text}'")
    return now - seconds


def _dates(parameters: QueryDict, now: int, until: int) -> tuple[int, int]:
    start, end = START.text(parameters), END.text(parameters)
    if not start and not end:
        return now - DEFAULT_SECONDS, until
    if not start or not end:
        raise BadQuery("start and end are both required")
    first, last = _instant(START, start, math.floor), _instant(END, end, math.ceil)
    if first >= last:
        raise BadQuery("start must be before end")
    return min(first, now), last


def _instant(parameter: Parameter, text: str, whole: Callable[[float], int]) -> int:
    """Return whole seconds since the epoch of an ISO 8601 date or a number. Raises BadQuery.

    A date without a zone is in UTC. `whole` rounds.
    """
    try:
        if re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,9})?", text):
            seconds = whole(float(text))
        else:
            moment = datetime.fromisoformat(text)
            seconds = whole((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        seconds = -1
    if not 0 <= seconds < END_OF_TIME:
        raise BadQuery(f"{parameter.name} must be an ISO 8601 date or seconds since the epoch.")
    return seconds


def _interval(text: str, rollups: Sequence[Rollup]) -> int:
    """Return the seconds of an interval. Raises BadQuery.

    It is an hour for an empty text, for `auto`, and for anything that is no length of time.
    """
    finest = rollups[0].seconds
    match = _LENGTH.fullmatch(text)
    if not match:
        return max(HOUR, finest)
    seconds = min(int(match[1][:20]), 2 * DAY) * UNITS[match[2]]
    if seconds == 0:
        raise BadQuery(f"Invalid interval: '{text}'")
    if seconds > DAY:
        raise BadQuery("The interval has to be less than one day.")
    if DAY % seconds:
        raise BadQuery("The interval should divide one day without a remainder.")
    if seconds % finest:
        raise BadQuery(f"The interval has to be a multiple of {finest} seconds, the finest resolution.")
    return seconds
