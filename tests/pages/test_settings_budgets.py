"""The budgets of a project on its pages: each change, and what is used of them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import time_machine
from django.test import Client

from projects import services
from projects.models import Budget, Organization, Project
from projects.services import count
from statsapi.pages.project.budgets import limit_text
from tests.pages.filled import forms_of, submit, text_of
from tsdb import series
from tsdb.outcomes import Category, Outcome
from tsdb.store import Increment

pytestmark = pytest.mark.django_db

BUDGETS = "/o/acme/web/settings/budgets/"
PROJECT = "/o/acme/web/"
NOON = datetime(2026, 11, 27, 11, 1, tzinfo=UTC)


def make(project: Project, limit: int = 1000, window: int = 300, category: str = "error") -> Budget:
    return services.create_budget(project, category=category, limit=limit, window=window)


def page_of(budget: Budget) -> str:
    return f"{BUDGETS}{budget.pk}/"


def send(project: Project, amount: int, outcome: Outcome = Outcome.ACCEPTED, reason: str = "none") -> None:
    now = int(datetime.now(UTC).timestamp())
    event = series.of_event(project.pk, project.keys.get().pk, Category.ERROR, outcome, reason=reason)
    count(project.pk, [Increment(one, now, amount) for one in event], now=now)


def test_a_budget_is_made_changed_and_deleted(boss: Client, project: Project) -> None:
    assert "There is no budget" in text_of(boss.get(BUDGETS))
    answer = submit(boss, BUDGETS, limit="1000", window="5", unit="minutes")
    assert answer.redirect_chain == [(BUDGETS, 302)]
    assert "The budget is there. The next event obeys it: Errors, 1,000 in 5 minutes." in text_of(answer)
    budget = Budget.objects.get()
    assert (budget.category, budget.limit, budget.window) == ("error", 1000, 300)
    answer = submit(boss, page_of(budget), limit="2000")
    said = "it: Errors, 2,000 in 5 minutes. Before: Errors, 1,000 in 5 minutes. What is used so far stays used."
    assert said in text_of(answer)
    answer = submit(boss, page_of(budget), action="/delete/")
    assert "The budget is gone: Errors, 2,000 in 5 minutes." in text_of(answer)
    assert not Budget.objects.exists()


def test_a_month_needs_no_number(member: Client, project: Project) -> None:
    submit(member, BUDGETS, category="transaction", limit="1000000")
    budget = Budget.objects.get()
    assert (budget.category, budget.window) == ("transaction", 0)
    assert "Transactions, 1,000,000 in a month" in text_of(member.get(BUDGETS))
    form = next(form for form in forms_of(member.get(page_of(budget))) if "limit" in form.names)
    assert (form.fields["window"], form.fields["unit"]) == ("", "month")


@pytest.mark.parametrize(("zone", "until"), [("Europe/Berlin", "12:05"), ("UTC", "11:05"), ("Asia/Kolkata", "16:35")])
def test_the_use_is_shown_with_its_end_in_the_zone_of_the_reader_and_its_pace(
    member: Client, project: Project, zone: str, until: str
) -> None:
    member.cookies["browser_timezone"] = zone
    with time_machine.travel(NOON, tick=False):
        budget = make(project)
        send(project, 312)
        for path in (BUDGETS, page_of(budget)):
            page = member.get(path)
            assert f"312 of 1,000 used (31.2 %), until {until}. At this pace: 1,560 by then." in text_of(page)
            assert 'value="0.3120" aria-label="Used of Errors, 1,000 in 5 minutes"' in page.content.decode()
        send(project, 700)
        assert f"1,012 of 1,000 used (101.2 %), until {until}. Used up" in text_of(member.get(BUDGETS))
        said = f"The budget is used up. Until {until} ({zone}) everything more of this category is refused"
        assert said in text_of(member.get(page_of(budget)))


def test_a_budget_of_nothing_says_so(member: Client, project: Project) -> None:
    budget = make(project, limit=0)
    assert "0 of 0 used (100 %)" in text_of(member.get(BUDGETS))
    assert "The budget is 0, so everything of this category is refused" in text_of(member.get(page_of(budget)))


def test_what_cannot_be_a_budget_is_refused_at_its_field(member: Client, project: Project) -> None:
    budget = make(project)
    fine = {"limit": "5", "window": "10", "unit": "minutes"}
    for field, changes in {
        "window": [
            {"window": ""},
            {"window": "0"},
            {"window": "61"},
            {"window": "59", "unit": "seconds"},
            {"window": "32", "unit": "days"},
            {"window": "2", "unit": "month"},
            {"window": "9" * 15, "unit": "days"},
        ],
        "limit": [{"limit": "-1"}, {"limit": "many"}, {"limit": ""}, {"limit": str(10**15 + 1)}],
        "unit": [{"unit": "weeks"}],
        "category": [{"category": "of my own"}],
    }.items():
        for change in changes:
            for path in (BUDGETS, page_of(budget)):
                answer = submit(member, path, **{**fine, **change})
                assert f'id="id_{field}_error"' in answer.content.decode(), change
    budget.refresh_from_db()
    assert (Budget.objects.count(), budget.limit, budget.window) == (1, 1000, 300)


def test_a_window_that_does_not_fit_says_what_would(member: Client, project: Project) -> None:
    said = text_of(submit(member, BUDGETS, limit="5", window="61", unit="minutes"))
    assert "No resolution that is kept makes up windows of 61 minutes. There can be a multiple of" in said


def test_the_same_budget_twice_is_refused(member: Client, project: Project) -> None:
    make(project)
    said = text_of(submit(member, BUDGETS, limit="5", window="300", unit="seconds"))
    assert "The project has a budget of this category and window already." in said


def test_at_the_limit_there_is_no_form(member: Client, project: Project) -> None:
    form = {"category": "error", "limit": "1", "unit": "month"}
    for minutes in range(1, services.MOST_BUDGETS + 1):
        make(project, window=60 * minutes)
    page = member.get(BUDGETS)
    assert "A project has at most 10 budgets." in text_of(page)
    assert forms_of(page) == []
    member.post(BUDGETS, form)
    assert Budget.objects.count() == services.MOST_BUDGETS


def test_a_form_that_is_older_than_another_change_does_not_undo_it(member: Client, project: Project) -> None:
    budget = make(project)
    form = next(form for form in forms_of(member.get(page_of(budget))) if "limit" in form.names)
    services.change_budget(budget, category="error", limit=1000, window=600)
    member.post(page_of(budget), {**form.fields, "limit": "7"})
    budget.refresh_from_db()
    assert (budget.limit, budget.window) == (7, 600)


def test_a_category_that_only_the_api_takes_stays(member: Client, project: Project) -> None:
    budget = make(project, category="seer_user")
    submit(member, page_of(budget), limit="7")
    budget.refresh_from_db()
    assert (budget.category, budget.limit) == ("seer_user", 7)


def test_a_budget_that_is_not_enforced_says_so(
    member: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = make(project)
    monkeypatch.setattr("tsdb.budgets.rollup_for", lambda window, rollups: None)
    for path in (BUDGETS, page_of(budget)):
        assert "Not enforced: no resolution that is kept makes up this window any more." in text_of(member.get(path))
    assert "Errors: 1,000 in 5 minutes not enforced" in text_of(member.get(PROJECT))


def test_the_budget_of_another_project_does_not_exist_here(
    boss: Client, project: Project, organization: Organization
) -> None:
    shop = services.create_project(organization=organization, slug="shop", name="Shop")
    other = make(shop)
    for number in (str(other.pk), "0", "9" * 30, "x", "²", "a%00b"):
        assert boss.get(f"{BUDGETS}{number}/").status_code == 404
        assert boss.post(f"{BUDGETS}{number}/", {"limit": "1"}).status_code == 404
        assert boss.post(f"{BUDGETS}{number}/delete/").status_code == 404
    other.refresh_from_db()
    assert other.limit == 1000


def test_every_viewer_sees_the_budgets_on_the_page_of_the_project(viewer: Client, project: Project) -> None:
    assert 'id="budgets"' not in viewer.get(PROJECT).content.decode()
    with time_machine.travel(NOON, tick=False):
        make(project)
        send(project, 312)
        page = viewer.get(PROJECT)
        assert 'id="budgets"' in page.content.decode()
        assert "Errors: 312 of 1,000 in 5 minutes 31.2 %, until 11:05" in text_of(page)
        send(project, 688)
        assert "Errors: 1,000 of 1,000 in 5 minutes 100.0 %, until 11:05 used up" in text_of(viewer.get(PROJECT))


def test_the_reason_of_what_a_budget_refused_is_told_in_plain_words(viewer: Client, project: Project) -> None:
    with time_machine.travel(NOON, tick=False):
        make(project)
        make(project, window=0)
        make(project, limit=5, category="span")
        send(project, 1000)
        send(project, 20, Outcome.RATE_LIMITED, "project_quota")
        page = text_of(viewer.get(PROJECT))
    assert "A budget of the project was used up, so the service answered 429." in page
    assert "1,000 in 5 minutes: 1,000 of 1,000 are taken, until 11:05 (UTC)." in page
    assert "1,000 in a month: 1,000 of 1,000 are taken, until 1 Dec 00:00 (UTC)." in page
    [_, dropped] = page.split("Dropped, and why")
    assert "5 in 5 minutes" not in dropped


def test_a_limit_is_told_with_its_window() -> None:
    assert [limit_text(1, 60), limit_text(1000, 5400), limit_text(10**6, 0)] == [
        "1 in 1 minute",
        "1,000 in 90 minutes",
        "1,000,000 in a month",
    ]
