"""What was counted of an environment, in the form of the facts that are counted of a whole project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from statsapi.api.stats.v2_range import StatsRange
from tsdb import series
from tsdb.outcomes import FILTERS, NO_REASON, OTHER_REASON, RECEIVED, Category, Outcome
from tsdb.store import Store


class Fact(NamedTuple):
    """What a group of counts has in common. `key` is the id of a key, or 0."""

    category: str
    outcome: str
    reason: str
    key: int


def facts_in(store: Store, project: int, environment: int, shown: StatsRange) -> dict[Fact, list[int]]:
    """Return a count for each bucket of the range, by outcome and filter, of one environment of the project.

    Keys are not told apart, and of other reasons than filters only the sum is counted.
    """
    kinds: list[tuple[str, str | None]] = [
        *((outcome.value, None) for outcome in RECEIVED),
        *((Outcome.FILTERED.value, name) for name in FILTERS),
    ]
    asked = [series.environment(project, environment, outcome, reason) for outcome, reason in kinds]
    found = store.get_grouped(asked, kinds, shown.window, now=shown.now, since=shown.retained_since)
    sums = {kind: shown.add_up(counts) for kind, counts in found.items()}
    filtered = sums.get((Outcome.FILTERED.value, None), [0] * shown.points)
    facts: dict[Fact, list[int]] = {}
    for (outcome, reason), counts in sums.items():
        if reason is not None:
            facts[_fact(outcome, reason)] = counts
            filtered = [rest - count for rest, count in zip(filtered, counts, strict=True)]
        elif outcome != Outcome.FILTERED:
            facts[_fact(outcome, NO_REASON)] = counts
    facts[_fact(Outcome.FILTERED, OTHER_REASON)] = filtered
    return {fact: counts for fact, counts in facts.items() if any(counts)}


def totals_by_environment(
    store: Store, project: int, environments: Mapping[str, int], shown: StatsRange
) -> dict[str, dict[Outcome, int]]:
    """Return the sum of each outcome that was received over the range, by the names of environments with counts."""
    pairs = [(name, outcome) for name in environments for outcome in RECEIVED]
    asked = [series.environment(project, environments[name], outcome) for name, outcome in pairs]
    found = store.get_grouped(asked, pairs, shown.window, now=shown.now, since=shown.retained_since)
    sums: dict[str, dict[Outcome, int]] = {}
    for (name, outcome), counts in found.items():
        if total := sum(counts):
            sums.setdefault(name, {})[outcome] = total
    return sums


def _fact(outcome: str, reason: str) -> Fact:
    return Fact(Category.ERROR.value, str(outcome), reason, series.NO_KEY)
