"""The counts of a project's page. They are what the stats_v2 endpoint answers for the same range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from projects.durations import length_words
from statsapi.api.stats.v2 import MAX_COUNTS, add_outcomes
from statsapi.api.stats.v2_range import StatsRange
from statsapi.pages.project.facts import Fact, facts_in
from statsapi.pages.project.names import in_order
from statsapi.pages.project.query import PageQuery
from statsapi.pages.project.ranges import Chosen, choose
from tsdb.outcomes import RECEIVED, Category, Outcome
from tsdb.store import Store
from tsdb.units import DAY

LABELS = {
    Outcome.ACCEPTED: "Accepted",
    Outcome.FILTERED: "Filtered",
    Outcome.RATE_LIMITED: "Rate limited",
    Outcome.CLIENT_DISCARD: "Client discards",
    Outcome.INVALID: "Invalid",
    Outcome.ABUSE: "Abuse",
    Outcome.CARDINALITY_LIMITED: "Cardinality limited",
}
"""The name of each outcome, in the order in which they are stacked and listed."""
RARE = (Outcome.ABUSE, Outcome.CARDINALITY_LIMITED)
"""Outcomes that are shown only where there are any."""


@dataclass(frozen=True)
class Numbers:
    """The counts of a range.

    facts: a count for each bucket of the range, by what was counted; without those that are all zero.
    before: what was received in each bucket of the period before, if it was asked for and is kept.
    """

    chosen: Chosen
    facts: Mapping[Fact, Sequence[int]]
    before: Sequence[int] | None = None

    @property
    def query(self) -> PageQuery:
        """The parameters that are obeyed."""
        return self.chosen.query

    @property
    def shown(self) -> StatsRange:
        """The range that is shown."""
        return self.chosen.shown

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which the buckets are named: the page's, but UTC if their days are those of UTC."""
        is_of_utc = self.shown.interval >= DAY and not self.shown.days
        return ZoneInfo("UTC") if is_of_utc else self.query.zone.info

    @cached_property
    def series(self) -> dict[Outcome, list[int]]:
        """A count for each bucket, by outcome, of the category that is shown.

        Environments count only what was received. So with an environment there are no other outcomes.
        """
        sums = {outcome: [0] * self.shown.points for outcome in LABELS}
        for fact, counts in self.facts.items():
            if fact.category == self.query.category:
                add_to(sums[Outcome(fact.outcome)], counts)
        if self.query.environment:
            return {outcome: counts for outcome, counts in sums.items() if outcome in RECEIVED}
        return {outcome: counts for outcome, counts in sums.items() if outcome not in RARE or any(counts)}

    @cached_property
    def totals(self) -> dict[Outcome, int]:
        """The sum of each outcome over the range."""
        return {outcome: sum(counts) for outcome, counts in self.series.items()}

    @cached_property
    def received_series(self) -> list[int]:
        """What was received in each bucket: the sum of three outcomes."""
        return [sum(counts) for counts in zip(*(self.series[outcome] for outcome in RECEIVED), strict=True)]

    @property
    def received(self) -> int:
        """The sum of what was received, over the range."""
        return sum(self.received_series)

    @cached_property
    def kept(self) -> list[bool]:
        """Whether each bucket is kept. The counts of one that is not are not known."""
        return [start >= self.shown.complete_since for start in self.shown.starts]

    @cached_property
    def open(self) -> int | None:
        """The index of the bucket that lasts until after now, if one does."""
        starts = self.shown.starts
        ends = [*starts[1:], self.shown.end]
        for place, (start, end) in enumerate(zip(starts, ends, strict=True)):
            if start <= self.shown.now < end:
                return place
        return None

    @cached_property
    def categories(self) -> dict[str, dict[Outcome, int]]:
        """The totals of each category that has counts, by outcome. Errors are always among them."""
        sums: dict[str, dict[Outcome, int]] = {Category.ERROR.value: {}}
        for fact, counts in self.facts.items():
            of_category = sums.setdefault(fact.category, {})
            outcome = Outcome(fact.outcome)
            of_category[outcome] = of_category.get(outcome, 0) + sum(counts)
        return {category: sums[category] for category in in_order(sums)}

    @cached_property
    def environments_since(self) -> int | None:
        """Since when environments count all that was received, seconds since the epoch; None if the whole range."""
        since = self.shown.retention.of_environments().since(self.shown.rollup)
        return since if since > max(self.shown.start, self.shown.complete_since) else None

    @property
    def data(self) -> dict[str, Any]:
        """What the chart draws. A bucket that is not kept has null, never 0."""
        return {
            "starts": list(self.shown.starts),
            "end": self.shown.end,
            "interval": self.shown.interval,
            "now": self.shown.now,
            "open": self.open,
            "retained_since": self.shown.complete_since,
            "zone": self.zone.key,
            "series": {outcome.value: self.known(counts) for outcome, counts in self.series.items()},
            "labels": {outcome.value: LABELS[outcome] for outcome in self.series},
            "before": None if self.before is None else list(self.before),
            "live": self.query.span is None and self.query.preset.name == "1h",
        }

    def known(self, counts: Sequence[int]) -> list[int | None]:
        """Return the counts, with None for each bucket that is not kept."""
        return [count if kept else None for count, kept in zip(counts, self.kept, strict=True)]


def read_numbers(store: Store, project: int, query: PageQuery, environments: Mapping[str, int], *, now: int) -> Numbers:
    """Return the counts of a project for a page. `now` is in nanoseconds. `environments` has ids by names.

    Raises what tsdb.facts.add_facts raises.
    """
    retention = store.retention([project], now=now)
    environment = environments[query.environment] if query.environment else None
    chosen = choose(query, store.rollups, retention if environment is None else retention.of_environments())
    facts = _facts(store, project, environment, chosen, chosen.shown)
    before = None
    if chosen.before:
        before = [0] * chosen.before.points
        for fact, counts in _facts(store, project, environment, chosen, chosen.before).items():
            if fact.category == query.category and fact.outcome in RECEIVED:
                add_to(before, counts)
    return Numbers(chosen, facts, before)


def _facts(
    store: Store, project: int, environment: int | None, chosen: Chosen, shown: StatsRange
) -> dict[Fact, list[int]]:
    if environment is not None:
        return facts_in(store, project, environment, shown)
    # As in the API, the memory and time of one answer are bounded by the number of its counts.
    counted = add_outcomes(store, [project], chosen.asked, shown, most_groups=MAX_COUNTS // shown.points)
    return {
        Fact(str(category), str(outcome), str(reason), int(key)): counts
        for (category, outcome, reason, key), counts in counted.items()
    }


class Total(NamedTuple):
    """A sum over the range, and the word of its outcome, or another word for a sum of what was received."""

    word: str
    label: str
    amount: int
    text: str

    @property
    def is_outcome(self) -> bool:
        """Whether one outcome is counted. Each has a colour."""
        return self.word in [outcome.value for outcome in Outcome]


def totals(numbers: Numbers) -> list[Total]:
    """Return what stands beside the chart: what was received, and each outcome."""
    found = [
        Total("received", "Received", numbers.received, f"{numbers.received:,}"),
        *(Total(outcome.value, LABELS[outcome], count, f"{count:,}") for outcome, count in numbers.totals.items()),
    ]
    if numbers.before is not None:
        found += _compared(numbers, numbers.before)
    return found


def _compared(numbers: Numbers, before: Sequence[int]) -> list[Total]:
    """Return what was received in the period before, beside the same of the range shown.

    A bucket that is still open is compared with nothing: its counterpart is left out, as on an organization's page.
    """
    if numbers.open is None:
        return [_before("Received in the period before", sum(before))]
    now = numbers.received - numbers.received_series[numbers.open]
    open_one = length_words(numbers.shown.interval).removeprefix("1 ")
    return [
        Total("closed", f"Received without the {open_one} still open", now, f"{now:,}"),
        _before("The same in the period before", sum(before) - before[numbers.open]),
    ]


def _before(label: str, count: int) -> Total:
    return Total("before", label, count, f"{count:,}")


def share_text(part: int, whole: int) -> str:
    """Return a share as text: `58.7 %`. Neither a little nor nearly everything is rounded to nothing or to all."""
    if not part:
        return "0 %"
    percent = 100 * part / whole
    if percent < 0.1:
        return "< 0.1 %"
    if part < whole and percent > 99.9:
        return "> 99.9 %"
    return f"{percent:.1f} %"


def add_to(sums: list[int], counts: Sequence[int]) -> None:
    """Add the counts to the sums, place by place."""
    for place, count in enumerate(counts):
        sums[place] += count
