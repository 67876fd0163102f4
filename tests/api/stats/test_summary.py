"""GET …/organizations/{organization}/stats-summary/: outcomes per project, as JSON or CSV."""

from __future__ import annotations

import csv
from typing import Any

import pytest
from django.test import Client

from projects.models import Organization, Project
from tests.api.counting import DAY, HOUR, NOW, lines, post, row
from tsdb.outcomes import Outcome

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock_of_statistics")]

URL = "/api/0/organizations/acme/stats-summary/"
Q = "sum(quantity)"
NONE = {outcome.value: 0 for outcome in Outcome}


def ask(api: Client, **query: Any) -> Any:
    asked = {"field": Q, "statsPeriod": "1d", **query}
    return api.get(URL, {name: value for name, value in asked.items() if value is not None})


def totals(api: Client, **query: Any) -> list[int]:
    """Return the categories of the first project."""
    return [stats["totals"][Q] for stats in ask(api, **query).json()["projects"][0]["stats"]]


def test_it_tells_each_projects_outcomes_and_leaves_out_who_has_none(
    api: Client, project: Project, shop: Project
) -> None:
    post(
        api,
        "web",
        row(quantity=6),
        row("rate_limited", 2),
        row("invalid", 1),
        row("cardinality_limited", 7),
        row("client_discard", 5),
        row("filtered", 3, reason="localhost"),
        row("filtered", 4, reason="cors"),
        row(quantity=9, category="transaction"),
    )
    assert ask(api).json() == {
        "start": "2018-11-04T22:00:00Z",
        "end": "2018-11-05T23:00:00Z",
        "projects": [
            {
                "id": project.pk,
                "slug": "web",
                "stats": [
                    {
                        "category": "error",
                        "outcomes": {
                            **NONE,
                            "accepted": 6,
                            "filtered": 7,
                            "rate_limited": 2,
                            "invalid": 1,
                            "client_discard": 5,
                            "cardinality_limited": 7,
                        },
                        "totals": {"dropped": 10, Q: 28},
                    },
                    {
                        "category": "transaction",
                        "outcomes": {**NONE, "accepted": 9},
                        "totals": {"dropped": 0, Q: 9},
                    },
                ],
            },
        ],
    }


def test_both_fields_can_be_asked(api: Client, project: Project) -> None:
    post(api, "web", row(quantity=6))
    answer = ask(api, field=[Q, "sum(times_seen)"]).json()
    assert answer["projects"][0]["stats"][0]["totals"] == {"dropped": 0, Q: 6, "sum(times_seen)": 6}


def test_it_is_filtered_as_stats_v2_is(api: Client, project: Project, shop: Project) -> None:
    key = project.keys.get()
    post(api, "web", row(quantity=1), row("filtered", 2, reason="cors"), row(quantity=4, key=key.public))
    post(api, "web", row(quantity=8, category="transaction", age=2 * HOUR))
    just_web = {"project": project.pk}
    assert totals(api, **just_web) == [7, 8]
    assert totals(api, **just_web, category="error") == [7]
    assert totals(api, **just_web, category="default") == [7]
    assert totals(api, **just_web, outcome="filtered") == totals(api, **just_web, reason="cors") == [2]
    assert totals(api, **just_web, key_id=key.pk) == [4]
    assert totals(api, **just_web, statsPeriod="1h") == [7]
    post(api, "shop", row(quantity=1))
    assert [one["slug"] for one in ask(api, project=[project.pk, shop.pk]).json()["projects"]] == ["shop", "web"]
    assert [one["slug"] for one in ask(api, **just_web).json()["projects"]] == ["web"]
    assert [one["slug"] for one in ask(api, project="web").json()["projects"]] == ["web"]


def shown(api: Client, **query: Any) -> Any:
    """Return the outcomes of the first project's first category, and the CSV's columns between category and dropped."""
    columns = lines(ask(api, **query, download="1"))[0].split(",")
    outcomes = ask(api, **query).json()["projects"][0]["stats"][0]["outcomes"]
    assert list(outcomes) == columns[3 : columns.index("dropped")]
    return outcomes


def test_just_the_outcomes_that_are_asked_for_are_shown(api: Client, project: Project) -> None:
    post(api, "web", row(quantity=1), row("filtered", 2, reason="cors"), row("invalid", 4, reason="cors"))
    assert shown(api, outcome=["filtered", "accepted"]) == {"accepted": 1, "filtered": 2}
    assert shown(api, outcome=["accepted", "abuse"]) == {"accepted": 1, "abuse": 0}
    assert shown(api, reason="cors") == {"filtered": 2, "invalid": 4}
    assert shown(api, reason="cors", outcome="filtered") == {"filtered": 2}
    assert shown(api) == {**NONE, "accepted": 1, "filtered": 2, "invalid": 4}


def test_group_by_is_ignored(api: Client, project: Project) -> None:
    assert ask(api, groupBy="nonsense").status_code == 200


@pytest.mark.parametrize("period", ["8d", "30d", "90d"])
def test_it_is_of_the_whole_range_however_long(api: Client, project: Project, period: str) -> None:
    post(api, "web", row(quantity=3), row(quantity=4, age=7 * DAY + 2 * HOUR))
    for interval in (None, "10s", "1h", "6h", "1d"):
        response = ask(api, statsPeriod=period, interval=interval)
        assert response.json()["projects"][0]["stats"][0]["totals"][Q] == 7
        least = DAY if period == "90d" or interval == "1d" else HOUR
        assert int(response["X-Stats-Resolution"]) == max(least, 6 * HOUR if interval == "6h" else 0)


def test_without_a_period_the_last_ninety_days_are_meant(api: Client, project: Project) -> None:
    post(api, "web", row(quantity=4, age=80 * DAY))
    answer = ask(api, statsPeriod=None).json()
    assert answer["projects"][0]["stats"][0]["totals"][Q] == 4
    assert answer["start"] == "2018-08-07T00:00:00Z"


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ({"field": None}, 'At least one "field" is required.'),
        ({"category": "x"}, 'Invalid category: "x"'),
        ({"outcome": "x"}, 'Invalid outcome: "x"'),
        ({"statsPeriod": "x"}, "Invalid statsPeriod: 'x'"),
        ({"interval": "7h"}, "The interval should divide one day without a remainder."),
        (
            {"statsPeriod": "1001d"},
            "Your interval and date range would create too many results. "
            "Use a larger interval, or a smaller date range.",
        ),
        ({"project": "X"}, "Invalid project parameter. Values must be numbers or slugs."),
    ],
)
@pytest.mark.parametrize("download", [None, "1"])
def test_a_query_that_cannot_be_is_refused(
    api: Client, project: Project, query: dict[str, Any], detail: str, download: str | None
) -> None:
    response = ask(api, **query, download=download)
    assert (response.status_code, response.json()) == (400, {"detail": detail})


def test_another_organizations_project_is_missing(api: Client, organization: Organization) -> None:
    assert ask(api, project=1).status_code == ask(api, project=1, download="1").status_code == 404


def test_a_download_is_the_same_as_a_table(api: Client, project: Project, shop: Project) -> None:
    for slug in ("web", "shop"):
        post(api, slug, row(quantity=6), row("invalid", 1), row(quantity=9, category="transaction"))
    response = ask(api, download="1")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="stats_summary.csv"'
    table = list(csv.DictReader(lines(response)))
    shown = [
        {
            "id": str(one["id"]),
            "slug": one["slug"],
            "category": stats["category"],
            **{name: str(count) for name, count in (stats["outcomes"] | stats["totals"]).items()},
        }
        for one in ask(api).json()["projects"]
        for stats in one["stats"]
    ]
    assert table == shown
    assert len(table) == 4


@pytest.mark.parametrize(
    ("download", "kind"),
    [
        *((no, "application/json") for no in ("", "0", "false", "False")),
        *((yes, "text/csv") for yes in ("1", "true", "True", "2", "x")),
    ],
)
def test_anything_but_no_is_a_download(api: Client, project: Project, download: str, kind: str) -> None:
    assert ask(api, download=download)["Content-Type"].startswith(kind)


def test_a_summary_of_nothing_is_a_header(api: Client, project: Project) -> None:
    assert len(lines(ask(api, download="1"))) == 1


def test_it_was_counted_now(project: Project, api: Client) -> None:
    """Without this a clock that is not held would make all tests above pass with no counts."""
    post(api, "web", {"outcome": "accepted"})
    answer = ask(api, statsPeriod=None, start=str(NOW), end=str(NOW + 60)).json()
    assert answer["projects"][0]["stats"][0]["totals"][Q] == 1
