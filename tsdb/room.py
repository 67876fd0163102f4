"""A project has room for so many series: what comes beyond is counted under `other`, so that Redis stays bounded.

Only facts can be many: totals are the categories times the outcomes, and a project has a hundred environments. The
script answers which facts are new where there is no room for all of them, before its first write; the same counts are
sent again with these under the name that `spare` gives them. So totals stay the sums of the facts, whatever comes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from tsdb.outcomes import FILTERS, NO_REASON, OTHER_REASON, Category, Outcome
from tsdb.series import NO_KEY, Series, parse_fact


def spare(series: Series) -> Series:
    """Where a fact is counted that there is no room for: under no key, for the reason `other`.

    There are as many of these as there are categories and outcomes, and one for each inbound filter of errors: so each
    stat of a project is whole, whatever there is no room for.
    """
    found = parse_fact(series.name)
    if found is None:
        return series
    _, category, outcome, reason = found
    if outcome == Outcome.ACCEPTED:
        reason = NO_REASON
    elif (category, outcome) != (Category.ERROR, Outcome.FILTERED) or reason not in FILTERS:
        reason = OTHER_REASON
    return Series(series.project, f"f:{NO_KEY}:{category}:{outcome}:{reason}")


def without_room(answer: object) -> Collection[int] | None:
    """The numbers (from 1) of the facts that there is no room for, by a script's answer; None: it is another answer."""
    return frozenset(answer) if isinstance(answer, list) else None


def moved_to_spare(series: Iterable[Series], numbers: Collection[int]) -> Iterator[Series]:
    """The series in their order; those with these numbers are replaced by where `spare` says."""
    return (spare(one) if number in numbers else one for number, one in enumerate(series, start=1))
