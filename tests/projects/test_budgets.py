"""The services of budgets: what they refuse, and what the history says of them."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from projects.connections import get_store
from projects.models import Budget, Change, Project
from projects.selectors import budgets_of, budgets_of_many
from projects.services.budgets import MOST_BUDGETS, change_budget, create_budget, delete_budget
from projects.services.object_limits import LimitReached
from tsdb import budgets
from tsdb.budgets import LARGEST_LIMIT, MONTH

pytestmark = pytest.mark.django_db


def said(project: Project) -> list[str]:
    return list(Change.objects.filter(project=project.slug).order_by("id").values_list("what", flat=True))


def test_a_budget_is_created_changed_and_deleted_and_the_history_says_so(project: Project) -> None:
    before = said(project)
    budget = create_budget(project, category="default", limit=1000, window=300)
    other = create_budget(project, category="attachment", limit=10**9, window=MONTH)
    expected = [
        budgets.Budget(budget.pk, "error", 1000, 300),
        budgets.Budget(other.pk, "attachment", 10**9, MONTH),
    ]
    assert budgets_of(project.pk) == expected
    assert budgets_of_many([project.pk]) == {project.pk: expected}
    change_budget(budget, limit=2000, window=86400)
    change_budget(budget)
    assert (budget.limit, budget.window) == (2000, 86400)
    delete_budget(other)
    delete_budget(other)
    assert budgets_of(project.pk) == [budgets.Budget(budget.pk, "error", 2000, 86400)]
    assert said(project)[len(before) :] == [
        "created the budget of 1,000 of “error” in 5 minutes",
        "created the budget of 1,000,000,000 of “attachment” in a month",
        "changed the budget of 1,000 of “error” in 5 minutes → 2,000 of “error” in 1 day",
        "deleted the budget of 1,000,000,000 of “attachment” in a month",
    ]


def test_each_change_closes_the_project_so_that_the_next_event_obeys(project: Project) -> None:
    store = get_store()
    store.open(project.pk)
    budget = create_budget(project, category="error", limit=1, window=60)
    assert store.version(project.pk) is None
    store.open(project.pk)
    change_budget(budget, category="error", limit=2, window=60)
    assert store.version(project.pk) is None
    store.open(project.pk)
    delete_budget(budget)
    assert store.version(project.pk) is None


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("category", {"category": " "}),
        ("category", {"category": "errors"}),
        ("limit", {"limit": -1}),
        ("limit", {"limit": LARGEST_LIMIT + 1}),
        ("window", {"window": 59}),
        ("window", {"window": 31 * 86400 + 1}),
        ("window", {"window": 61 * 60}),
    ],
)
def test_what_is_no_budget_is_refused_by_field(project: Project, field: str, values: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as refused:
        create_budget(project, **{"category": "error", "limit": 1, "window": 60} | values)  # type: ignore[arg-type]
    assert list(refused.value.message_dict) == [field]
    assert not Budget.objects.exists()


def test_there_are_no_two_budgets_of_a_category_and_window(project: Project) -> None:
    create_budget(project, category="error", limit=1, window=60)
    other = create_budget(project, category="error", limit=1, window=120)
    with pytest.raises(ValidationError, match="already"):
        create_budget(project, category="error", limit=2, window=60)
    with pytest.raises(ValidationError, match="already"):
        change_budget(other, category="error", limit=2, window=60)


def test_a_project_has_ten_budgets_at_most(project: Project) -> None:
    for minutes in range(1, MOST_BUDGETS + 1):
        create_budget(project, category="error", limit=1, window=60 * minutes)
    with pytest.raises(LimitReached, match="has 10 budgets"):
        create_budget(project, category="session", limit=1, window=60)
