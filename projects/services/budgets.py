"""Budgets of a project. The next event obeys a change, because the project is closed. What is used stays used."""

from __future__ import annotations

from copy import copy

from django.core.exceptions import ValidationError
from django.db import transaction

from projects.connections import get_store
from projects.models import Budget, Project
from projects.services import history, wording
from projects.services.object_limits import LimitReached
from projects.unfit_windows import fitting_windows_hint
from tsdb.budgets import rollup_for
from tsdb.outcomes import CATEGORY_NAMES

MOST_BUDGETS = 10
"""How many budgets a project can have. Intake looks at each of those that an event has part in."""


@transaction.atomic
def create_budget(project: Project, *, category: str, limit: int, window: int) -> Budget:
    """Create a budget of `limit` in windows of `window` seconds, or MONTH, and return it.

    Raises ValidationError, LimitReached, Project.DoesNotExist, redis.exceptions.RedisError.
    """
    owner = Project.objects.select_for_update().get(pk=project.pk)
    if (there := owner.budgets.count()) >= MOST_BUDGETS:
        raise LimitReached(f"This project has {there} budgets, and there can be {MOST_BUDGETS}: delete one first.")
    budget = Budget(project=owner)
    _save(owner, None, budget, category=category, limit=limit, window=window)
    return budget


@transaction.atomic
def change_budget(
    budget: Budget, *, category: str | None = None, limit: int | None = None, window: int | None = None
) -> None:
    """Change what is given of a budget, and leave the rest. What was used in the open window stays used.

    Raises ValidationError, Budget.DoesNotExist, Project.DoesNotExist, redis.exceptions.RedisError.
    """
    owner = Project.objects.select_for_update().get(pk=budget.project_id)
    old = Budget.objects.get(pk=budget.pk)
    _save(
        owner,
        old,
        copy(old),
        category=old.category if category is None else category,
        limit=old.limit if limit is None else limit,
        window=old.window if window is None else window,
    )
    budget.refresh_from_db()


@transaction.atomic
def delete_budget(budget: Budget) -> None:
    """Delete a budget. The counts stay. Raises Project.DoesNotExist, redis.exceptions.RedisError."""
    owner = Project.objects.select_for_update().get(pk=budget.project_id)
    there = Budget.objects.filter(pk=budget.pk).first()
    if there is None:
        return
    history.note_project(owner, *wording.of_budget(there, None))
    there.delete()
    get_store().close(owner.pk)


def _save(owner: Project, old: Budget | None, row: Budget, *, category: str, limit: int, window: int) -> None:
    """Save the row with these values. `old` is the budget as it is stored, or None for a new one."""
    row.category, row.limit, row.window = _category(category), limit, window
    row.full_clean()
    rollups = get_store().rollups
    # One that fits no longer, since a setting was changed, must not keep anybody from changing its limit.
    if (old is None or old.window != window) and rollup_for(window, rollups) is None:
        raise ValidationError({"window": fitting_windows_hint(window, rollups)})
    row.save()
    history.note_project(owner, *wording.of_budget(old, row))
    get_store().close(owner.pk)


def _category(name: str) -> str:
    """Return the category that the name means.

    Raises ValidationError for a name that is not known: nothing is accepted under it, so there is nothing to limit.
    """
    if name not in CATEGORY_NAMES:
        raise ValidationError({"category": "Use the name of a category, such as error, transaction or session."})
    return CATEGORY_NAMES[name]
