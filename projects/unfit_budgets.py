"""Budgets that are not enforced: TSDB_ROLLUPS was changed, and no rollup makes up their windows any more."""

from __future__ import annotations

from collections.abc import Sequence

from projects.durations import window_text
from projects.models import Budget
from tsdb.budgets import rollup_for
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
