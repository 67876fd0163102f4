"""The budgets of a project: what is used of them, making, changing and deleting them."""

from __future__ import annotations

import re

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from projects import services
from projects.models import Budget
from projects.services import MOST_BUDGETS
from statsapi.api.parameters import ID
from statsapi.http import clock
from statsapi.pages.access import OWN, WRITE, ProjectPlace, in_project
from statsapi.pages.project.budgets import budget_lines, limit_text, lines_of
from statsapi.pages.project.names import category_name
from statsapi.pages.refusals import refusals_as_messages, refusals_in
from statsapi.pages.settings.budget_form import BudgetChangeForm, BudgetForm
from statsapi.pages.settings.posting import posted
from statsapi.pages.zones import zone_of


@in_project(WRITE, ("GET", "POST"))
def budgets(request: HttpRequest, place: ProjectPlace) -> HttpResponse:
    """List the budgets with their use, and make one."""
    form = BudgetForm(posted(request))
    if form.is_valid():
        with refusals_in(form):
            made = services.create_budget(place.project, **form.values())
            messages.success(request, f"The budget is there. The next event obeys it: {_words(made)}.")
            return _to_budgets(place)
    lines = budget_lines(place.project.pk, zone_of(request), now=clock.now(request))
    shown = {**_common(request, place), "lines": lines, "form": form, "most": MOST_BUDGETS}
    return render(request, "pages/settings/budgets.html", shown)


@in_project(WRITE, ("GET", "POST"))
def budget(request: HttpRequest, place: ProjectPlace, budget: str) -> HttpResponse:
    """Show a budget with its use, and change it."""
    found = find_budget(place, budget)
    form = BudgetChangeForm(posted(request), budget=found)
    if form.is_valid():
        with refusals_in(form):
            before = _words(found)
            services.change_budget(found, **form.changed_values())
            messages.success(request, _saved(before, _words(found)))
            return _to_budgets(place)
    [line] = lines_of(place.project.pk, [found.plain()], zone_of(request), now=clock.now(request))
    return render(request, "pages/settings/budget.html", {**_common(request, place), "line": line, "form": form})


@in_project(OWN, ("POST",))
def delete(request: HttpRequest, place: ProjectPlace, budget: str) -> HttpResponse:
    """Delete a budget. What was counted stays."""
    row = find_budget(place, budget)
    with refusals_as_messages(request):
        services.delete_budget(row)
        messages.success(request, f"The budget is gone: {_words(row)}. The next event does not meet it.")
    return _to_budgets(place)


def find_budget(place: ProjectPlace, budget: str) -> Budget:
    """Return the project's budget with this id. Raises Http404, also for a budget of another project."""
    if not re.fullmatch(ID, budget):
        raise Http404
    row = Budget.objects.filter(project=place.project, pk=int(budget)).first()
    if row is None:
        raise Http404
    return row


def _words(row: Budget) -> str:
    return f"{category_name(row.category)}, {limit_text(row.limit, row.window)}"


def _saved(before: str, after: str) -> str:
    if before == after:
        return "Saved."
    return f"Saved. The next event obeys it: {after}. Before: {before}. What is used so far stays used."


def _to_budgets(place: ProjectPlace) -> HttpResponse:
    return redirect("project-budgets", organization=place.organization.slug, project=place.project.slug)


def _common(request: HttpRequest, place: ProjectPlace) -> dict[str, object]:
    return {"place": place, "tab": "settings", "section": "budgets", "zone_name": zone_of(request).name}
