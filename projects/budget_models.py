"""The table of budgets. Django finds it through projects/models.py."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from tsdb import budgets
from tsdb.budgets import LARGEST_LIMIT, LONGEST_WINDOW, MONTH, SHORTEST_WINDOW
from tsdb.outcomes import LONGEST_CATEGORY

_WINDOW_RULE = f"A window has {SHORTEST_WINDOW} to {LONGEST_WINDOW} seconds, or is a month."


def check_window(window: int) -> None:
    """Raise ValidationError unless it is the number of a window."""
    if window != MONTH and not SHORTEST_WINDOW <= window <= LONGEST_WINDOW:
        raise ValidationError(_WINDOW_RULE)


class Budget(models.Model):
    """How many of a category a project accepts in a window of `window` seconds, or in a calendar month."""

    project = models.ForeignKey("projects.Project", models.CASCADE, related_name="budgets")
    category = models.CharField(max_length=LONGEST_CATEGORY, help_text="As error, transaction, session.")
    limit = models.BigIntegerField(
        validators=[MinValueValidator(0), MaxValueValidator(LARGEST_LIMIT)],
        help_text="Accepted in a window; 0 refuses all.",
    )
    window = models.PositiveIntegerField(
        validators=[check_window], help_text="Seconds, a minute to 31 days; 0: a calendar month."
    )
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "category", "window"],
                name="budget_once",
                violation_error_message="The project has a budget of this category and window already.",
            ),
            models.CheckConstraint(
                condition=Q(limit__range=(0, LARGEST_LIMIT)),
                name="budget_limit",
                violation_error_message=f"A limit is a whole number from 0 to {LARGEST_LIMIT}.",
            ),
            models.CheckConstraint(
                condition=Q(window=MONTH) | Q(window__range=(SHORTEST_WINDOW, LONGEST_WINDOW)),
                name="budget_window",
                violation_error_message=_WINDOW_RULE,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.limit} of {self.category}"

    def plain(self) -> budgets.Budget:
        """Return the budget as a plain value, which tsdb takes."""
        return budgets.Budget(self.pk, self.category, self.limit, self.window)
