"""Windows that no rollup makes up: which would fit, and which budgets have one since TSDB_ROLLUPS was changed.

Such a budget is not enforced.
"""

from __future__ import annotations

from collections.abc import Sequence

from projects.durations import length_words, window_text
from projects.models import Budget
from tsdb.budgets import LONGEST_WINDOW, MONTH, SHORTEST_WINDOW, rollup_for
from tsdb.rollups import Rollup

MOST_NAMED = 3
"""How many such budgets the text names."""


def unfit_budgets(rollups: Sequence[Rollup]) -> str:
    """Return a text that names budgets that no rollup fits; empty if there is none. Raises DatabaseError."""
    windows = Budget.objects.order_by().values_list("window", flat=True).distinct()
    unfit = [window for window in windows if rollup_for(window, rollups) is None]
    rows = Budget.objects.filter(window__in=unfit).order_by("pk") if unfit else Budget.objects.none()
    if not (number := rows.count()):
        return ""
    names = rows.values_list("project__organization__slug", "project__slug", "category", "window")[:MOST_NAMED]
    named = [f"{owner}/{project}: {category}, {window_text(window)}" for owner, project, category, window in names]
    more = f" and {number - MOST_NAMED:,} more" if number > MOST_NAMED else ""
    return f"TSDB_ROLLUPS makes up no such windows, so these budgets are not enforced ({'; '.join(named)}{more})"


def fitting_windows_hint(window: int, rollups: Sequence[Rollup]) -> str:
    """Return a sentence for somebody whose `window` no rollup fits. It says which windows would fit."""
    fitting, longest = [], 0
    for rollup in rollups:
        end = min(rollup.span, LONGEST_WINDOW)
        end -= end % rollup.seconds
        if end > longest and end >= SHORTEST_WINDOW:
            fitting.append(f"a multiple of {length_words(rollup.seconds)} up to {length_words(end)}")
            longest = end
    if rollup_for(MONTH, rollups):
        fitting.append("a month")
    asked, there_can_be = window_text(window), _joined(fitting) or "no window"
    return f"No resolution that is kept makes up windows of {asked}. There can be {there_can_be}."


def _joined(parts: Sequence[str]) -> str:
    return " or ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))
