"""The budgets of a project and their use in words, for its page and its settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from projects import selectors
from projects.connections import get_store
from projects.durations import window_text
from projects.services import settled
from statsapi.pages.project.names import category_name
from statsapi.pages.project.numbers import share_text
from statsapi.pages.zones import Zone, moment_text
from tsdb.budgets import Budget, BudgetUse, read_uses


@dataclass(frozen=True)
class BudgetLine:
    """A budget, and its use in the window that is open now.

    `use` is None for a budget that is not enforced, and then the texts about the use are empty. Times are in the
    reader's zone.
    """

    budget: Budget
    use: BudgetUse | None
    until: str
    forecast: str

    @property
    def category(self) -> str:
        """The name of the category: `Errors`."""
        return category_name(self.budget.category)

    @property
    def limit(self) -> str:
        """The limit and the window: `1,000 in 5 minutes`."""
        return limit_text(self.budget.limit, self.budget.window)

    @property
    def window(self) -> str:
        """The window: `5 minutes`."""
        return window_text(self.budget.window)

    @property
    def used(self) -> str:
        """What is used and the limit: `312 of 1,000`."""
        return f"{self.use.used:,} of {self.use.limit:,}" if self.use else ""

    @property
    def share(self) -> str:
        """The part of the limit that is used: `31.2 %`."""
        if not self.use:
            return ""
        return share_text(self.use.used, self.use.limit) if self.use.limit else "100 %"

    @property
    def filled(self) -> str:
        """The part of the bar that is filled, from `0` to `1`."""
        return f"{min(1.0, self.use.ratio):.4f}" if self.use else ""

    @property
    def is_used_up(self) -> bool:
        """Whether everything more is refused until the window ends."""
        return self.use is not None and self.use.used >= self.use.limit


def limit_text(limit: int, window: int) -> str:
    """Return a limit and its window in words: `1,000 in 5 minutes`."""
    return f"{limit:,} in {window_text(window)}"


def budget_lines(project: int, zone: Zone, *, now: int) -> list[BudgetLine]:
    """Return the budgets of the project with their use. One read of the store, and none without budgets.

    `now` is in seconds since the epoch. Raises RedisError, and Unsettled.
    """
    budgets = selectors.budgets_of(project)
    return lines_of(project, budgets, zone, now=now) if budgets else []


def lines_of(project: int, budgets: Sequence[Budget], zone: Zone, *, now: int) -> list[BudgetLine]:
    """Return these budgets of the project with their use, as budget_lines does."""
    uses = settled(lambda: read_uses(get_store(), {project: budgets}, now=now))
    return [_line(budget, uses.get(budget.id), zone, now) for budget in budgets]


def _line(budget: Budget, use: BudgetUse | None, zone: Zone, now: int) -> BudgetLine:
    if use is None:
        return BudgetLine(budget, None, "", "")
    forecast = use.forecast(now)
    return BudgetLine(
        budget,
        use,
        moment_text(use.until, zone, now=now),
        "" if forecast is None or use.used >= use.limit else f"{forecast:,}",
    )
