"""The form of a budget."""

from __future__ import annotations

from typing import Any

from django import forms

from projects.models import Budget
from statsapi.pages.project.names import category_name, in_order
from statsapi.pages.settings.forms import ChangeForm, PlainForm
from tsdb.budgets import LARGEST_LIMIT, MONTH
from tsdb.outcomes import Category
from tsdb.units import DAY, HOUR, MINUTE

_UNITS = {"seconds": 1, "minutes": MINUTE, "hours": HOUR, "days": DAY}
_MONTH = "month"
_ONLY_REPORTED = frozenset(
    (Category.LOG_BYTE, Category.TRACE_METRIC_BYTE, Category.SPAN_INDEXED, Category.TRANSACTION_INDEXED)
)
"""Categories that only clients' reports name, so there is nothing that a budget could refuse."""
_CHOICES = [*((unit, unit) for unit in reversed(_UNITS)), (_MONTH, "month (UTC)")]


def _categories(*more: str) -> list[tuple[str, str]]:
    offered = [category for category in Category if category not in _ONLY_REPORTED]
    return [(category, category_name(category)) for category in in_order([*map(str, offered), *more])]


class BudgetForm(PlainForm):
    """A budget to be made: at most `limit` of a category in `window` `unit`, or in a calendar month."""

    category = forms.ChoiceField(choices=_categories)
    limit = forms.IntegerField(
        min_value=0,
        max_value=LARGEST_LIMIT,
        label="Accept at most",
        help_text="In each window. 0: refuse all.",
    )
    window = forms.IntegerField(
        required=False,
        min_value=1,
        label="in windows of",
        help_text="They begin at fixed times (UTC): those of an hour at each full hour. Empty for a month.",
    )
    unit = forms.ChoiceField(choices=_CHOICES, initial=_MONTH, label="Unit")

    def clean(self) -> dict[str, Any]:
        """Return the fields with the window in seconds as `seconds`. Raises ValidationError."""
        cleaned = super().clean() or self.cleaned_data
        if "window" not in cleaned or "unit" not in cleaned:
            return cleaned
        number, unit = cleaned["window"], cleaned["unit"]
        if unit == _MONTH:
            if number not in (None, 1):
                self.add_error("window", "A window is one calendar month. Leave this empty, or count in days.")
            cleaned["seconds"] = MONTH
        elif number is None:
            self.add_error("window", "A budget needs the length of its window.")
        else:
            cleaned["seconds"] = number * _UNITS[unit]
        return cleaned

    def values(self) -> dict[str, Any]:
        """Return what services take of a budget."""
        cleaned = self.cleaned_data
        return {"category": cleaned["category"], "limit": cleaned["limit"], "window": cleaned["seconds"]}


class BudgetChangeForm(ChangeForm, BudgetForm):
    """A change of a budget."""

    def __init__(self, *args: Any, budget: Budget, **options: Any) -> None:
        number, unit = _split(budget.window)
        initial = {"category": budget.category, "limit": budget.limit, "window": number, "unit": unit}
        super().__init__(*args, initial=initial, **options)
        field = self.fields["category"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - it is declared above
        field.choices = _categories(budget.category)

    def changed_values(self) -> dict[str, Any]:
        """Return what the person changed, as services take it. The parts of a window belong together."""
        changed = {"window" if name == "unit" else name for name in self.changed_data}
        return {name: value for name, value in self.values().items() if name in changed}


def _split(window: int) -> tuple[int | None, str]:
    """Return a window as a number and the largest unit that it is a whole number of."""
    if window == MONTH:
        return None, _MONTH
    unit = next(unit for unit in reversed(_UNITS) if window % _UNITS[unit] == 0)
    return window // _UNITS[unit], unit
