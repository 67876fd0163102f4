"""Windows that no rollup makes up, and what is said of those that would fit."""

from __future__ import annotations

from projects.unfit_windows import fitting_windows_hint
from tests.tsdb.tools import TINY
from tsdb.budgets import MONTH
from tsdb.rollups import DEFAULT_ROLLUPS, parse_rollups
from tsdb.units import MINUTE


def test_the_hint_says_which_windows_would_fit() -> None:
    assert fitting_windows_hint(61 * MINUTE, parse_rollups(DEFAULT_ROLLUPS)) == (
        "No resolution that is kept makes up windows of 61 minutes. "
        "There can be a multiple of 10 seconds up to 1 hour, a multiple of 5 minutes up to 25 hours, "
        "a multiple of 1 hour up to 31 days or a month."
    )
    assert fitting_windows_hint(MONTH, TINY).endswith(
        "of a month. There can be a multiple of 20 seconds up to 1 minute."
    )
