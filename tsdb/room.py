"""The room of a project: its series have a limit, and further facts are counted under `other`, so Redis stays bounded.

Only facts can be many. Totals are at most the categories times the outcomes, and a project has at most 100 environments
and `other`. If there is no room for all new facts of a call, the script says which they are before its first write. The
same counts are then sent again, with these facts under the name that `spare` gives them. So totals always stay the sums
of the facts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from tsdb.outcomes import FILTERS, NO_REASON, OTHER_REASON, Category, Outcome
from tsdb.series import NO_KEY, Series, parse_fact


def spare(series: Series) -> Series:
    """Return the series for a fact that there is no room for: under no key, with the reason `other`.

    An accepted fact gets the reason `none`, and a filtered error keeps the name of its filter, so each stat of a
    project stays whole. Spare series are few: the categories times the outcomes, and one more for each filter. Any
    other series is returned as it is.
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
    """Return the numbers (from 1) of the facts without room, if that is what the script answered, else None."""
    return frozenset(answer) if isinstance(answer, list) else None


def moved_to_spare(series: Iterable[Series], numbers: Collection[int]) -> Iterator[Series]:
    """Return the series in their order, those with these numbers (from 1) replaced by their `spare` ones."""
    return (spare(one) if number in numbers else one for number, one in enumerate(series, start=1))
