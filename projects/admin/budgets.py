"""The budgets of a project, on the project's page."""

from __future__ import annotations

from typing import Any

from projects import services
from projects.admin.generics import TabularInline
from projects.models import Budget, Project


class BudgetInline(TabularInline[Budget, Project]):
    """The budgets of a project. What is used of them is on the pages of the service."""

    model = Budget
    fields = ["category", "limit", "window"]
    extra = 0
    verbose_name = "budget"
    verbose_name_plural = "budgets"


def save_budgets(project: Project, formset: Any) -> None:
    """Save what was sent with the inline. Raises as the services do."""
    rows = formset.save(commit=False)
    for row in formset.deleted_objects:  # first, to make room for new ones
        services.delete_budget(row)
    for row in rows:
        values = {"category": row.category, "limit": row.limit, "window": row.window}
        if row._state.adding:
            services.create_budget(project, **values)
        else:
            services.change_budget(row, **values)
