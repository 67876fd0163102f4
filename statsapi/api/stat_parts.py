"""Which series make up a stat, for one project or many."""

from __future__ import annotations

from collections.abc import Sequence

from tsdb import series
from tsdb.facts import fact_series
from tsdb.outcomes import STATS, Category, Outcome
from tsdb.series import Fact, Series
from tsdb.store import Store


def parts_of(store: Store, projects: Sequence[int], stat: str) -> list[Series]:
    """The series whose sum is the stat; for a filter's name that takes a look at what was ever filtered."""
    if stat in STATS:
        return [series.total(project, Category.ERROR, outcome) for project in projects for outcome in STATS[stat]]

    def wanted(fact: Fact) -> bool:
        return (fact.category, fact.outcome, fact.reason) == (Category.ERROR, Outcome.FILTERED, stat)

    return list(fact_series(store, projects, wanted))
