"""What was counted in the last minutes, read from the store: categories and outcomes that the stats do not have."""

from __future__ import annotations

import time

from projects.models import Project
from tsdb import series
from tsdb.outcomes import Category, Outcome
from tsdb.store import Store
from tsdb.timeline import window
from tsdb.units import NS


def total_of(store: Store, project: Project, category: Category, outcome: Outcome) -> int:
    """Return how much of a category had this outcome."""
    now = int(time.time())
    asked = window(store.rollups[0], (now - 600) * NS, now * NS)
    return sum(store.get_sums([series.total(project.pk, category, outcome)], asked, now=now).values())
