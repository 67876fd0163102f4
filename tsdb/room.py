"""The room of a project: its series have a limit, and so have its words, so Redis stays bounded.

Only facts can be many. Totals are at most the categories times the outcomes, and a project has at most 100 environments
and `other`. If there is no room for all new facts of a call, the script says which they are before its first write. The
same counts are then sent again, with these facts under the name that `spare` gives them, for which there is always
room. So totals always stay the sums of the facts.

A category or a reason that is not known can be any text of anybody who has a DSN. A project takes up MOST_CATEGORIES
and MOST_REASONS of them. The script refuses further ones in the same way, and they are counted as `other`. A new fact
with a word that has its place has less room than others (UNKNOWN_SHARE).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tsdb.outcomes import (
    FILTERS,
    MOST_CATEGORIES,
    MOST_REASONS,
    NO_REASON,
    OTHER_CATEGORY,
    OTHER_REASON,
    Category,
    Outcome,
)
from tsdb.series import NO_KEY, Series, fact, parse_fact, total, unknown_words


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
    return fact(series.project, NO_KEY, category, outcome, reason)


@dataclass(frozen=True)
class Refusal:
    """What a script has no room for: facts by their numbers (from 1), or words as they stand in names."""

    facts: frozenset[int]
    categories: frozenset[str]
    reasons: frozenset[str]

    def moved(self, series: Iterable[Series]) -> list[Series]:
        """Return the series in their order, each as it is counted now."""
        return [
            self._with_room(spare(one) if number in self.facts else one) for number, one in enumerate(series, start=1)
        ]

    def _with_room(self, series: Series) -> Series:
        words = unknown_words(series)
        if words is None or (words.category not in self.categories and words.reason not in self.reasons):
            return series
        found = parse_fact(series.name)
        if found is None:
            return total(series.project, OTHER_CATEGORY, series.name.rpartition(":")[2])
        key, category, outcome, reason = found
        return fact(
            series.project,
            key,
            OTHER_CATEGORY if words.category in self.categories else category,
            outcome,
            OTHER_REASON if words.reason in self.reasons else reason,
        )


def refusal(answer: object) -> Refusal | None:
    """Return what there is no room for, if that is what the script answered, else None."""
    if not isinstance(answer, list):
        return None
    facts, categories, reasons = answer
    return Refusal(
        frozenset(facts), frozenset(word.decode() for word in categories), frozenset(word.decode() for word in reasons)
    )


class RoomForWords:
    """The words that a project has, and room for more, up to the limits. For one caller at a time."""

    def __init__(self, categories: Iterable[str], reasons: Iterable[str]) -> None:
        """The words are those that the project has, as they stand in names."""
        self._categories, self._reasons = set(categories), set(reasons)

    def place(self, series: Series) -> Series:
        """Return the series under which this one is counted. Its words are among those of the project from now on."""
        words = unknown_words(series)
        if words is None:
            return series
        return Refusal(
            frozenset(),
            _without_room(words.category, self._categories, MOST_CATEGORIES),
            _without_room(words.reason, self._reasons, MOST_REASONS),
        ).moved([series])[0]


def _without_room(word: str, there: set[str], most: int) -> frozenset[str]:
    if word and word not in there:
        if len(there) >= most:
            return frozenset((word,))
        there.add(word)
    return frozenset()
