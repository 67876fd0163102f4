"""The budgets of a project: making, changing and deleting them, what is used of them, and other projects' budgets."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client

from projects import services
from projects.models import Budget, Change, Organization, Project
from tests.api.looks import DATE

pytestmark = pytest.mark.django_db

JSON = "application/json"
BUDGETS = "/api/0/projects/acme/web/budgets/"
MISSING = {"detail": "The requested resource does not exist"}
NOON = datetime(2026, 11, 16, 12, 1, tzinfo=UTC)


def create(api: Client, **body: Any) -> Any:
    return api.post(BUDGETS, body, JSON)


def count(api: Client, quantity: int, category: str = "error") -> None:
    rows = {"outcomes": [{"outcome": "accepted", "quantity": quantity, "category": category}]}
    assert api.post("/api/0/projects/acme/web/outcomes/", rows, JSON).status_code == 201


@pytest.fixture
def url(api: Client, project: Project) -> str:
    return f"{BUDGETS}{create(api, limit=1000, window=300).json()['id']}/"


def test_a_budget_shows_what_is_used_of_it_until_when_and_where_it_will_end(api: Client, project: Project) -> None:
    with time_machine.travel(NOON, tick=False):
        made = create(api, category="error", limit=1000, window="5m")
        assert made.status_code == 201
        count(api, 312)
        (shown,) = api.get(BUDGETS).json()
    assert DATE.fullmatch(shown["dateCreated"])
    assert shown == {
        **made.json(),
        "id": str(Budget.objects.get().pk),
        "category": "error",
        "limit": 1000,
        "window": 300,
        "used": 312,
        "ratio": 0.312,
        "start": "2026-11-16T12:00:00.000Z",
        "until": "2026-11-16T12:05:00.000Z",
        "forecast": 1560,
    }


def test_what_was_counted_before_the_budget_was_made_is_used_of_it(api: Client, project: Project) -> None:
    with time_machine.travel(NOON, tick=False):
        count(api, 40)
        shown = create(api, limit=20, window="month").json()
    assert (shown["used"], shown["ratio"], shown["window"]) == (40, 2.0, "month")
    assert (shown["start"], shown["until"]) == ("2026-11-01T00:00:00.000Z", "2026-12-01T00:00:00.000Z")


@time_machine.travel(NOON, tick=False)
def test_a_change_keeps_the_use(api: Client, url: str) -> None:
    count(api, 7)
    changed = api.put(url, {"limit": 5}, JSON)
    assert changed.status_code == 200
    assert {name: changed.json()[name] for name in ("category", "limit", "window", "used")} == {
        "category": "error",
        "limit": 5,
        "window": 300,
        "used": 7,
    }
    assert api.put(url, {"window": "1h", "category": "transaction"}, JSON).json()["used"] == 0
    assert api.put(url, {}, JSON).json()["window"] == 3600
    assert api.get(url).json()["category"] == "transaction"


def test_a_deleted_budget_is_gone_and_its_counts_stay(api: Client, url: str) -> None:
    count(api, 3)
    assert api.delete(url).status_code == 204
    assert (api.get(url).status_code, api.get(url).json()) == (404, MISSING)
    assert (api.put(url, {"limit": 1}, JSON).status_code, api.delete(url).status_code) == (404, 404)
    assert sum(n for _, n in api.get("/api/0/projects/acme/web/stats/").json()) == 3


@pytest.mark.parametrize(
    ("sent", "shown"),
    [(60, 60), (300.0, 300), ("300s", 300), ("5m", 300), ("1h", 3600), ("31d", 2678400), ("month", "month")],
)
def test_a_window_is_a_number_of_seconds_or_a_text(api: Client, project: Project, sent: Any, shown: Any) -> None:
    assert create(api, limit=1, window=sent).json()["window"] == shown


def test_a_category_may_have_any_of_its_names(api: Client, project: Project) -> None:
    assert create(api, category="default", limit=1, window=60).json()["category"] == "error"
    assert create(api, category="attachment", limit=10**9, window=60).json()["category"] == "attachment"


NEEDED = ["This field is required."]
BAD_WINDOW = ["Use seconds, or 5m, 1h, 7d or month."]
RANGE = ["A window has 60 to 2678400 seconds."]
FINE = {"limit": 1, "window": 60}
REFUSED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"limit": -1}, {"limit": ["Ensure this value is greater than or equal to 0."]}),
    ({"limit": 10**15 + 1}, {"limit": ["Ensure this value is less than or equal to 1000000000000000."]}),
    ({"limit": "1"}, {"limit": ["Must be an integer."]}),
    ({"limit": None}, {"limit": ["This field may not be null."]}),
    ({"window": 0}, {"window": RANGE}),
    ({"window": 59}, {"window": RANGE}),
    ({"window": "32d"}, {"window": RANGE}),
    ({"window": "0s"}, {"window": BAD_WINDOW}),
    ({"window": "week"}, {"window": BAD_WINDOW}),
    ({"window": True}, {"window": BAD_WINDOW}),
    ({"window": 60.5}, {"window": BAD_WINDOW}),
    ({"window": None}, {"window": ["This field may not be null."]}),
    ({"window": [60]}, {"window": BAD_WINDOW}),
    ({"category": ""}, {"category": ["This field may not be blank."]}),
    ({"category": "x" * 65}, {"category": ["Ensure this field has no more than 64 characters."]}),
    ({"category": "a\x00b"}, {"category": ["Use the name of a category."]}),
    ({"category": "errors"}, {"category": ["Use the name of a category, such as error, transaction or session."]}),
    ({"category": 5}, {"category": ["Must be a text."]}),
]


@pytest.mark.parametrize(("body", "errors"), REFUSED, ids=lambda value: ascii(value)[:50])
def test_what_cannot_be_is_refused_by_field(
    api: Client, url: str, body: dict[str, Any], errors: dict[str, Any]
) -> None:
    before = api.get(url).json()
    for response in (create(api, **FINE | body), api.put(url, body, JSON)):
        assert (response.status_code, response.json()) == (400, errors)
    assert api.get(BUDGETS).json() == [before]


def test_a_new_budget_needs_a_limit_and_a_window(api: Client, project: Project) -> None:
    response = create(api)
    assert (response.status_code, response.json()) == (400, {"limit": NEEDED, "window": NEEDED})


def test_a_window_that_no_resolution_makes_up_is_refused_with_what_would_fit(api: Client, url: str) -> None:
    for response in (create(api, limit=1, window="61m"), api.put(url, {"window": 3660}, JSON)):
        assert response.status_code == 400
        [said] = response.json()["window"]
        assert said.startswith("No resolution that is kept makes up windows of 61 minutes. There can be ")
    assert Budget.objects.get().window == 300


def test_a_second_budget_of_the_same_category_and_window_is_a_conflict(api: Client, url: str) -> None:
    detail = {"detail": "The project has a budget of this category and window already."}
    response = create(api, limit=5, window=300)
    assert (response.status_code, response.json()) == (409, detail)
    other = f"{BUDGETS}{create(api, limit=5, window=600).json()['id']}/"
    response = api.put(other, {"window": "5m"}, JSON)
    assert (response.status_code, response.json()) == (409, detail)
    assert api.put(other, {"limit": 6}, JSON).json()["limit"] == 6


def test_a_project_has_at_most_ten(api: Client, project: Project) -> None:
    for minutes in range(1, services.MOST_BUDGETS + 1):
        assert create(api, limit=1, window=60 * minutes).status_code == 201
    response = create(api, limit=1, window="1h")
    assert response.status_code == 400
    assert response.json()["detail"].startswith("This project has 10 budgets")
    assert len(api.get(BUDGETS).json()) == 10


def test_a_list_comes_in_pages_oldest_first(api: Client, project: Project) -> None:
    made = [create(api, category=category, limit=1, window=60).json() for category in ("span", "error")]
    assert [one["id"] for one in api.get(BUDGETS).json()] == [one["id"] for one in made]
    page = api.get(BUDGETS, {"per_page": "1", "cursor": "0:1:0"})
    assert [one["id"] for one in page.json()] == [made[1]["id"]]


def test_a_budget_that_is_not_enforced_any_more_is_shown_without_a_use(
    api: Client, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tsdb.budgets.rollup_for", lambda window, rollups: None)
    shown = api.get(url).json()
    assert [shown[name] for name in ("used", "ratio", "start", "until", "forecast")] == [None] * 5
    assert (shown["limit"], shown["window"]) == (1000, 300)


def test_a_budget_of_another_project_is_missing_here(api: Client, organization: Organization, project: Project) -> None:
    shop = services.create_project(organization=organization, slug="shop", name="Shop")
    other = services.create_budget(shop, category="error", limit=1, window=60)
    for number in (str(other.pk), "0", "9" * 18, "9" * 30, "x", "-1", "1.5"):
        for method in ("get", "put", "delete"):
            answer = getattr(api, method)(f"{BUDGETS}{number}/", {} if method == "get" else {"limit": 5}, JSON)
            assert (answer.status_code, answer.json()) == (404, MISSING)
    other.refresh_from_db()
    assert other.limit == 1


def test_the_history_names_the_token(api: Client, url: str) -> None:
    api.put(url, {"limit": 5}, JSON)
    line = Change.objects.first()
    assert line is not None
    assert line.who.startswith("token ")
    assert "the budget of 1,000 of “error” in 5 minutes → 5 of “error” in 5 minutes" in line.what
