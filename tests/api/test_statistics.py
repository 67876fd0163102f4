"""The statistics beside the project endpoint: organization, key, stats_v2, stats-summary, CSV. All agree."""

from __future__ import annotations

import csv
import io
import random
import time
from typing import Any

import pytest
import time_machine
from django.test import Client

from projects import services
from projects.models import Organization, Project
from tsdb.outcomes import Category, Outcome

JSON = "application/json"
NOW = 1_541_455_200  # 2018-11-05T22:00:00Z
HOUR, DAY = 3600, 86400
V2 = "/api/0/organizations/acme/stats_v2/"
ORGANIZATION = "/api/0/organizations/acme/stats/"


@pytest.fixture(autouse=True)
def _held_clock() -> Any:
    with time_machine.travel(NOW + 30, tick=False):
        yield


@pytest.fixture
def shop(organization: Organization) -> Project:
    return services.create_project(organization=organization, slug="shop", name="Shop")


def post(api: Client, slug: str, *rows: dict[str, Any]) -> None:
    for start in range(0, len(rows), 1000):
        part = list(rows[start : start + 1000])
        response = api.post(f"/api/0/projects/acme/{slug}/outcomes/", {"outcomes": part}, content_type=JSON)
        assert response.status_code == 201, response.content


def row(outcome: str = "accepted", quantity: int = 1, age: int = 0, **more: Any) -> dict[str, Any]:
    return {"outcome": outcome, "quantity": quantity, "timestamp": NOW - age, **more}


def total(api: Client, url: str, **query: Any) -> int:
    return sum(count for _, count in api.get(url, query).json())


def test_an_organization_is_the_sum_of_its_projects(api: Client, project: Project, shop: Project) -> None:
    post(api, "web", row(quantity=3), row("filtered", 2, reason="localhost"))
    post(api, "shop", row(quantity=4, age=HOUR))

    together = api.get(ORGANIZATION)
    assert together.json()[-2:] == [[float(NOW - HOUR), 4], [float(NOW), 5]]
    assert together["X-Stats-Resolution"] == "3600"
    each = api.get(ORGANIZATION, {"group": "project"}).json()
    assert {number: sum(count for _, count in pairs) for number, pairs in each.items()} == {
        str(project.pk): 5,
        str(shop.pk): 4,
    }
    one = api.get(ORGANIZATION, {"group": "project", "projectID": [str(shop.pk)]}).json()
    assert list(one) == [str(shop.pk)]
    assert total(api, ORGANIZATION, stat="localhost") == 2


def test_an_organization_without_projects_has_zeros(api: Client, organization: Organization) -> None:
    assert total(api, ORGANIZATION) == 0
    assert len(api.get(ORGANIZATION).json()) == 24


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ({"group": "team"}, "Invalid group: team"),
        ({"stat": "x"}, "Invalid stat: x"),
        ({"group": "project", "projectID": "x"}, "Invalid projectID: use numeric ids."),
        ({"resolution": "5m"}, "Invalid resolution"),
    ],
)
def test_an_organization_query_that_cannot_be_is_refused(
    api: Client, project: Project, query: dict[str, str], detail: str
) -> None:
    response = api.get(ORGANIZATION, query)
    assert (response.status_code, response.json()) == (400, {"detail": detail})


def test_a_keys_stats_are_its_own(api: Client, project: Project) -> None:
    public = project.keys.get().public
    other = services.create_key(project=project).public
    post(
        api,
        "web",
        row(quantity=5, key=public),
        row("filtered", 3, reason="localhost", key=public),
        row("rate_limited", 2, key=public),
        row("invalid", 9, key=public),
        row(quantity=100, key=other),
    )
    rows = api.get(f"/api/0/projects/acme/web/keys/{public}/stats/").json()

    assert len(rows) == 24
    assert rows[-1] == {"ts": NOW, "total": 10, "dropped": 2, "filtered": 3, "accepted": 5}
    assert rows[0] == {"ts": NOW - 23 * HOUR, "total": 0, "dropped": 0, "filtered": 0, "accepted": 0}


def test_a_keys_stats_refuse_any_bad_argument_alike(api: Client, project: Project, shop: Project) -> None:
    url = f"/api/0/projects/acme/web/keys/{project.keys.get().public}/stats/"
    for query in ({"since": "x"}, {"until": "x"}, {"resolution": "x"}, {"since": "9", "until": "1"}):
        response = api.get(url, query)
        assert (response.status_code, response.json()) == (400, {"detail": "Invalid request data"})
    assert api.get(f"/api/0/projects/acme/web/keys/{shop.keys.get().public}/stats/").status_code == 404


def test_stats_v2_groups_by_outcome(api: Client, project: Project) -> None:
    post(api, "web", row(quantity=6), row("filtered", 2, age=HOUR, reason="localhost"))
    response = api.get(
        V2,
        {
            "field": "sum(quantity)",
            "groupBy": "outcome",
            "category": "error",
            "start": "2018-11-05T21:00:00",
            "end": "2018-11-05T22:30:00",
        },
    )

    assert response.json() == {
        "start": "2018-11-05T21:00:00Z",
        "end": "2018-11-05T23:00:00Z",
        "intervals": ["2018-11-05T21:00:00Z", "2018-11-05T22:00:00Z"],
        "groups": [
            {"by": {"outcome": "accepted"}, "totals": {"sum(quantity)": 6}, "series": {"sum(quantity)": [0, 6]}},
            {"by": {"outcome": "filtered"}, "totals": {"sum(quantity)": 2}, "series": {"sum(quantity)": [2, 0]}},
        ],
    }


def test_without_grouping_there_is_one_group_even_when_empty(api: Client, project: Project) -> None:
    query = {"field": ["sum(quantity)", "sum(times_seen)"], "category": "error", "statsPeriod": "1h"}
    answer = api.get(V2, query).json()

    (group,) = answer["groups"]
    assert (group["by"], group["totals"]) == ({}, {"sum(quantity)": 0, "sum(times_seen)": 0})
    assert len(answer["intervals"]) == len(group["series"]["sum(quantity)"]) == 2


def test_grouped_by_project_there_are_totals_alone(api: Client, project: Project, shop: Project) -> None:
    post(api, "web", row(quantity=6))
    post(api, "shop", row("invalid", 2))
    query = {"field": "sum(quantity)", "groupBy": ["project", "category", "reason"], "statsPeriod": "1d"}
    answer = api.get(V2, query).json()

    assert "intervals" not in answer
    by = {"category": "error"}
    assert answer["groups"] == [
        {"by": {"project": project.pk, **by, "reason": "none"}, "totals": {"sum(quantity)": 6}},
        {"by": {"project": shop.pk, **by, "reason": "none"}, "totals": {"sum(quantity)": 2}},
    ]


def test_a_fine_interval_is_served_from_the_finest_rollup(api: Client, project: Project) -> None:
    post(api, "web", row(quantity=1, age=120), row(quantity=2, age=60), row(quantity=4))
    query = {"field": "sum(quantity)", "category": "error", "interval": "1m", "statsPeriod": "3m"}
    (group,) = api.get(V2, query).json()["groups"]

    assert group["series"]["sum(quantity)"] == [0, 1, 2, 4]


def test_stats_v2_filters_by_project_key_outcome_and_reason(api: Client, project: Project, shop: Project) -> None:
    key = project.keys.get()
    post(api, "web", row(quantity=1), row(quantity=2, key=key.public), row("filtered", 4, reason="localhost"))
    post(api, "shop", row(quantity=8))

    def asked(**query: Any) -> int:
        base = {"field": "sum(quantity)", "category": "error", "statsPeriod": "1d"}
        (group,) = api.get(V2, {**base, **query}).json()["groups"]
        return int(group["totals"]["sum(quantity)"])

    assert asked() == asked(project="-1") == 15
    assert asked(project=project.pk) == 7
    assert asked(project=[project.pk, shop.pk]) == 15
    assert asked(outcome="filtered") == 4
    assert asked(outcome=["filtered", "accepted"]) == 15
    assert asked(reason="localhost") == 4
    assert asked(key_id=key.pk) == 2
    assert asked(category="transaction") == 0
    assert asked(category="default") == 15


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ({"field": []}, 'At least one "field" is required.'),
        ({"field": "x"}, 'Invalid field: "x"'),
        ({"groupBy": "x"}, 'Invalid groupBy: "x"'),
        ({"category": "x"}, 'Invalid category: "x"'),
        ({"outcome": "x"}, 'Invalid outcome: "x"'),
        ({"start": "2018-11-05"}, "start and end are both required"),
        ({"end": "2018-11-05"}, "start and end are both required"),
        ({"start": "2018-11-05", "end": "2018-11-05"}, "start must be before end"),
        ({"start": "2018-11-06", "end": "2018-11-05"}, "start must be before end"),
        ({"start": "x", "end": "2018-11-05"}, "start must be an ISO 8601 date or seconds since the epoch."),
        ({"category": []}, "Query must have category as groupby or filter"),
        ({"statsPeriod": "x"}, "Invalid statsPeriod: 'x'"),
        ({"statsPeriod": "0d"}, "Invalid statsPeriod: '0d'"),
        ({"interval": "x"}, "Invalid interval: 'x'"),
        ({"interval": "2d"}, "The interval has to be less than one day."),
        ({"interval": "7h"}, "The interval should divide one day without a remainder."),
        ({"interval": "5s"}, "The interval has to be a multiple of 10 seconds, the finest resolution."),
        (
            {"interval": "1m", "statsPeriod": "2d"},
            "Your interval and date range would create too many results. "
            "Use a larger interval, or a smaller date range.",
        ),
        ({"project": "x"}, "Invalid project parameter. Values must be numbers."),
    ],
)
def test_a_stats_v2_query_that_cannot_be_is_refused(
    api: Client, project: Project, query: dict[str, Any], detail: str
) -> None:
    good = {"field": "sum(quantity)", "category": "error", "interval": "1d"}
    response = api.get(V2, {**good, **query})
    assert (response.status_code, response.json()) == (400, {"detail": detail})


def test_another_organizations_project_is_missing(api: Client, project: Project) -> None:
    query = {"field": "sum(quantity)", "category": "error", "statsPeriod": "1d", "project": project.pk + 1}
    assert api.get(V2, query).status_code == 404


def test_a_start_in_the_future_is_now(api: Client, project: Project) -> None:
    query = {"field": "sum(quantity)", "category": "error", "start": "2018-12-01", "end": "2018-12-02"}
    answer = api.get(V2, query)
    assert answer.status_code == 200
    assert answer.json()["start"] == "2018-11-05T22:00:00Z"


def test_without_a_period_the_last_ninety_days_are_meant(api: Client, project: Project) -> None:
    post(api, "web", row(quantity=3, age=80 * DAY))
    query = {"field": "sum(quantity)", "category": "error", "interval": "1d"}
    answer = api.get(V2, query).json()
    assert len(answer["intervals"]) == 91
    assert answer["groups"][0]["totals"] == {"sum(quantity)": 3}


def test_a_summary_tells_each_projects_outcomes(api: Client, project: Project, shop: Project) -> None:
    post(api, "web", row(quantity=6), row("rate_limited", 2), row("invalid", 1), row("client_discard", 5))
    url = "/api/0/organizations/acme/stats-summary/"
    query = {"field": "sum(quantity)", "statsPeriod": "1d"}
    answer = api.get(url, query).json()

    assert answer["projects"] == [
        {"id": shop.pk, "slug": "shop", "stats": []},
        {
            "id": project.pk,
            "slug": "web",
            "stats": [
                {
                    "category": "error",
                    "outcomes": {
                        "accepted": 6,
                        "filtered": 0,
                        "rate_limited": 2,
                        "invalid": 1,
                        "abuse": 0,
                        "client_discard": 5,
                        "cardinality_limited": 0,
                    },
                    "totals": {"dropped": 3, "sum(quantity)": 14},
                }
            ],
        },
    ]
    table = api.get(url, {**query, "download": "1"})
    assert table["Content-Type"].startswith("text/csv")
    assert table["Content-Disposition"] == 'attachment; filename="stats_summary.csv"'
    (line,) = csv.DictReader(io.StringIO(b"".join(table.streaming_content).decode()))  # type: ignore[attr-defined]
    assert (line["id"], line["slug"], line["accepted"], line["dropped"]) == (str(project.pk), "web", "6", "3")


@pytest.mark.parametrize("how", ["parameter", "header"])
def test_stats_come_as_csv(api: Client, project: Project, how: str) -> None:
    post(api, "web", row(quantity=6))
    for url in ("/api/0/projects/acme/web/stats/", ORGANIZATION):
        query = {"format": "csv"} if how == "parameter" else {}
        response = api.get(url, query, headers={"accept": "text/csv"} if how == "header" else {})
        lines = b"".join(response.streaming_content).decode().splitlines()  # type: ignore[attr-defined]

        assert response["Content-Type"] == "text/csv; charset=utf-8"
        assert lines[0] == "timestamp,count"
        assert lines[-1] == "2018-11-05T22:00:00Z,6"
        assert len(lines) == 25


def test_a_cell_never_begins_a_formula(api: Client, organization: Organization) -> None:
    project = services.create_project(organization=organization, slug="-1-1", name="=1+1")
    post(api, project.slug, row(quantity=1))
    response = api.get(ORGANIZATION, {"format": "csv", "group": "project"})
    cells = [line.split(",")[0] for line in b"".join(response.streaming_content).decode().splitlines()]  # type: ignore[attr-defined]
    assert set(cells) == {"project", "'-1-1"}


def test_all_endpoints_agree_over_random_data(api: Client, project: Project, shop: Project) -> None:
    chance = random.Random(4)
    keys = {"web": project.keys.get().public, "shop": shop.keys.get().public}
    for slug, public in keys.items():
        post(
            api,
            slug,
            *(
                row(
                    chance.choice([outcome.value for outcome in Outcome]),
                    chance.randint(1, 50),
                    chance.randint(0, 20 * HOUR),
                    key=public,
                    reason=chance.choice([None, "localhost", "key_quota"]),
                    category=chance.choice([Category.ERROR.value, Category.TRANSACTION.value]),
                )
                for _ in range(400)
            ),
        )
    for stat, outcomes in (
        ("received", ["accepted", "filtered", "rate_limited"]),
        ("generated", ["accepted"]),
        ("blacklisted", ["filtered"]),
        ("rejected", ["rate_limited"]),
    ):
        by_project = {slug: api.get(f"/api/0/projects/acme/{slug}/stats/", {"stat": stat}).json() for slug in keys}
        expected = [
            [web[0], web[1] + shop_[1]] for web, shop_ in zip(by_project["web"], by_project["shop"], strict=True)
        ]
        assert sum(count for _, count in expected) > 0
        assert api.get(ORGANIZATION, {"stat": stat}).json() == expected
        first, last = int(expected[0][0]), int(expected[-1][0])
        query = {
            "field": "sum(quantity)",
            "category": "error",
            "outcome": outcomes,
            "start": first,
            "end": last + HOUR,
        }
        (group,) = api.get(V2, query).json()["groups"]
        assert group["series"]["sum(quantity)"] == [count for _, count in expected]
        summary = api.get("/api/0/organizations/acme/stats-summary/", query).json()
        assert sum(
            stats["totals"]["sum(quantity)"] for shown in summary["projects"] for stats in shown["stats"]
        ) == sum(count for _, count in expected)
    for slug, public in keys.items():
        rows = api.get(f"/api/0/projects/acme/{slug}/keys/{public}/stats/").json()
        received = api.get(f"/api/0/projects/acme/{slug}/stats/").json()
        assert [[float(one["ts"]), one["total"]] for one in rows] == received
    assert int(time.time()) == NOW + 30
