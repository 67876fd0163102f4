"""GET …/organizations/{organization}/stats_v2/: outcomes by any grouping."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from projects import services
from projects.connections import get_store
from projects.models import Organization, Project
from statsapi.api import stats_v2
from tests.api.counting import DAY, HOUR, MINUTE, NOW, post, row
from tsdb.outcomes import Outcome

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock_of_statistics")]

URL = "/api/0/organizations/acme/stats_v2/"
Q = "sum(quantity)"


def ask(api: Client, **query: Any) -> Any:
    """The last day's errors, unless the query says otherwise (None: left out)."""
    asked = {"field": Q, "category": "error", "statsPeriod": "1d", **query}
    return api.get(URL, {name: value for name, value in asked.items() if value is not None})


def test_it_groups_by_outcome(api: Client, project: Project) -> None:
    post(api, "web", row(quantity=6), row("filtered", 2, age=HOUR, reason="localhost"))
    start, end = "2018-11-05T21:00:00", "2018-11-05T22:30:00"
    response = ask(api, groupBy="outcome", statsPeriod=None, start=start, end=end)

    assert response.json() == {
        "start": "2018-11-05T21:00:00Z",
        "end": "2018-11-05T23:00:00Z",
        "intervals": ["2018-11-05T21:00:00Z", "2018-11-05T22:00:00Z"],
        "groups": [
            {"by": {"outcome": "accepted"}, "totals": {Q: 6}, "series": {Q: [0, 6]}},
            {"by": {"outcome": "filtered"}, "totals": {Q: 2}, "series": {Q: [2, 0]}},
        ],
    }
    assert response["X-Stats-Resolution"] == "3600"
    assert response["X-Stats-Retained-Since"] == str(NOW - 168 * HOUR)


def test_without_grouping_there_is_one_group_even_when_empty(api: Client, organization: Organization) -> None:
    answer = ask(api, field=[Q, "sum(times_seen)"], statsPeriod="1h").json()
    (group,) = answer["groups"]
    assert (group["by"], group["totals"]) == ({}, {Q: 0, "sum(times_seen)": 0})
    assert len(answer["intervals"]) == len(group["series"][Q]) == len(group["series"]["sum(times_seen)"]) == 2


def test_with_grouping_what_has_no_count_is_left_out(api: Client, project: Project) -> None:
    post(api, "web", row(quantity=6), row("filtered", 2, age=3 * HOUR))
    assert [one["by"]["outcome"] for one in ask(api, groupBy="outcome", statsPeriod="1h").json()["groups"]] == [
        "accepted"
    ]
    assert ask(api, groupBy="outcome", category="transaction").json()["groups"] == []


def test_grouped_by_project_there_are_totals_alone(api: Client, project: Project, shop: Project) -> None:
    post(api, "web", row(quantity=6))
    post(api, "shop", row("invalid", 2))
    answer = ask(api, groupBy=["project", "category", "reason"], category=None).json()

    assert set(answer) == {"start", "end", "groups"}
    by = {"category": "error", "reason": "none"}
    assert answer["groups"] == [
        {"by": {"project": project.pk, **by}, "totals": {Q: 6}},
        {"by": {"project": shop.pk, **by}, "totals": {Q: 2}},
    ]


@pytest.mark.parametrize(
    "groups", [["outcome", "reason", "category", "key_id"], ["key_id", "outcome"], ["outcome"] * 3]
)
def test_any_groups_in_any_order_add_up_to_the_whole(
    api: Client, project: Project, shop: Project, groups: list[str]
) -> None:
    key = project.keys.get()
    post(
        api,
        "web",
        *(row(outcome.value, 2**place, key=key.public) for place, outcome in enumerate(Outcome)),
        row("filtered", 1000, reason="localhost"),
        row("client_discard", 3000, reason="sample_rate", age=HOUR),
    )
    post(api, "shop", row(quantity=10_000))
    answer = ask(api, groupBy=groups).json()
    assert all(list(one["by"]) == list(dict.fromkeys(groups)) for one in answer["groups"])
    assert sum(one["totals"][Q] for one in answer["groups"]) == 127 + 14_000
    assert all(one["totals"][Q] == sum(one["series"][Q]) > 0 for one in answer["groups"])
    assert len({tuple(one["by"].values()) for one in answer["groups"]}) == len(answer["groups"])


def test_accepted_rows_have_the_reason_none(api: Client, project: Project) -> None:
    post(api, "web", row(reason="localhost"), row("filtered", reason="localhost"))
    found = [one["by"] for one in ask(api, groupBy=["outcome", "reason"]).json()["groups"]]
    assert found == [{"outcome": "accepted", "reason": "none"}, {"outcome": "filtered", "reason": "localhost"}]


def test_key_ids_are_numbers_and_zero_stands_for_none(api: Client, project: Project) -> None:
    key = project.keys.get()
    post(api, "web", row(quantity=1), row(quantity=2, key=key.public))
    found = {one["by"]["key_id"]: one["totals"][Q] for one in ask(api, groupBy="key_id").json()["groups"]}
    assert found == {0: 1, key.pk: 2}


def test_it_filters_by_project_key_outcome_reason_and_category(api: Client, project: Project, shop: Project) -> None:
    key = project.keys.get()
    post(api, "web", row(quantity=1), row(quantity=2, key=key.public), row("filtered", 4, reason="localhost"))
    post(api, "shop", row(quantity=8), row(quantity=16, category="transaction"))

    def asked(**query: Any) -> int:
        (group,) = ask(api, **query).json()["groups"]
        return int(group["totals"][Q])

    assert asked() == asked(project="-1") == asked(project=["-1", project.pk]) == asked(project="") == 15
    assert asked(project=project.pk) == 7
    assert asked(project=[project.pk, shop.pk]) == 15
    assert asked(outcome="filtered") == 4
    assert asked(outcome=["filtered", "accepted"]) == 15
    assert asked(reason="localhost") == 4
    assert asked(reason=["localhost", "none"]) == 15
    assert asked(reason="never seen") == 0
    assert asked(key_id=key.pk) == 2
    assert asked(key_id=[key.pk, 0]) == 15
    assert asked(category="transaction") == 16
    assert asked(category=["transaction", "error"]) == 31
    assert asked(category="default") == asked(category="security") == 15  # other words for error


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2018-11-05T20:59:59.9", "2018-11-05T22:00:01"),
        ("2018-11-05T20:00:00Z", "2018-11-05T23:00:00Z"),
        ("2018-11-05T21:30:00+01:00", "2018-11-06T00:00:00+01:00"),
        ("20181105T203000", "2018-11-05 22:30"),
        ("1541449800", "1541455201.5"),
    ],
)
def test_start_is_floored_and_end_ceiled_to_the_interval(api: Client, project: Project, start: str, end: str) -> None:
    answer = ask(api, statsPeriod="", start=start, end=end).json()
    assert (answer["start"], answer["end"]) == ("2018-11-05T20:00:00Z", "2018-11-05T23:00:00Z")
    assert len(answer["intervals"]) == 3


def test_a_date_without_a_time_is_its_midnight_in_utc(api: Client, project: Project) -> None:
    answer = ask(api, statsPeriod=None, start="2018-11-04", end="2018-11-05").json()
    assert (answer["start"], answer["end"], len(answer["intervals"])) == (
        "2018-11-04T00:00:00Z",
        "2018-11-05T00:00:00Z",
        24,
    )


@pytest.mark.parametrize(
    ("period", "start"),
    [
        ("1s", "2018-11-05T22:00:00Z"),
        ("31s", "2018-11-05T21:00:00Z"),
        ("90m", "2018-11-05T20:00:00Z"),
        ("2h", "2018-11-05T20:00:00Z"),
        ("1d", "2018-11-04T22:00:00Z"),
        ("1w", "2018-10-29T22:00:00Z"),
    ],
)
def test_a_period_ends_now(api: Client, project: Project, period: str, start: str) -> None:
    answer = ask(api, statsPeriod=period).json()
    assert (answer["start"], answer["end"]) == (start, "2018-11-05T23:00:00Z")


def test_a_period_wins_over_start_and_end(api: Client, project: Project) -> None:
    assert ask(api, statsPeriod="1h", start="x").status_code == 200


def test_without_a_period_the_last_ninety_days_are_meant(api: Client, project: Project) -> None:
    post(api, "web", row(quantity=3, age=80 * DAY))
    answer = ask(api, statsPeriod=None, interval="1d").json()
    assert len(answer["intervals"]) == 91
    assert answer["groups"][0]["totals"] == {Q: 3}


def test_a_start_in_the_future_is_now(api: Client, project: Project) -> None:
    answer = ask(api, statsPeriod=None, start="2018-12-01", end="2018-12-02").json()
    assert (answer["start"], answer["end"]) == ("2018-11-05T22:00:00Z", "2018-12-02T00:00:00Z")


@pytest.mark.parametrize("interval", ["10s", "1m", "10m", "60m", "1h", "3h", "24h", "1d"])
def test_every_interval_adds_up_to_the_same(api: Client, project: Project, interval: str) -> None:
    post(api, "web", *(row(quantity=1, age=age) for age in range(0, 3000, 7)))
    answer = ask(api, interval=interval, statsPeriod="51m").json()
    (group,) = answer["groups"]
    assert group["totals"][Q] == 429
    assert len(group["series"][Q]) == len(answer["intervals"])


def test_a_fine_interval_is_served_from_the_finest_rollup(api: Client, project: Project) -> None:
    post(api, "web", row(quantity=1, age=2 * MINUTE), row(quantity=2, age=MINUTE), row(quantity=4))
    response = ask(api, interval="1m", statsPeriod="3m")
    assert response.json()["groups"][0]["series"][Q] == [0, 1, 2, 4]
    assert response["X-Stats-Resolution"] == "10"


def test_what_is_not_retained_at_the_interval_reads_as_zero_and_the_answer_says_since_when(
    api: Client, project: Project
) -> None:
    post(api, "web", row(quantity=3), row(quantity=4, age=10 * DAY))
    response = ask(api, statsPeriod="20d")
    assert response.json()["groups"][0]["totals"] == {Q: 3}
    assert response["X-Stats-Retained-Since"] == str(NOW - 168 * HOUR)
    assert ask(api, statsPeriod="20d", interval="1d").json()["groups"][0]["totals"] == {Q: 7}


@pytest.mark.parametrize("period", ["20d", "90d"])
def test_totals_alone_are_of_the_whole_range_unless_an_interval_is_asked(
    api: Client, project: Project, period: str
) -> None:
    post(api, "web", row(quantity=3), row(quantity=4, age=10 * DAY))
    response = ask(api, statsPeriod=period, groupBy="project")
    assert [one["totals"] for one in response.json()["groups"]] == [{Q: 7}]
    assert response["X-Stats-Resolution"] == "86400"
    asked = ask(api, statsPeriod="20d", groupBy="project", interval="1h")
    assert [one["totals"] for one in asked.json()["groups"]] == [{Q: 3}]


TOO_MANY = "Your interval and date range would create too many results. Use a larger interval, or a smaller date range."
NO_DATE = "must be an ISO 8601 date or seconds since the epoch."
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"field": None}, 'At least one "field" is required.'),
    ({"field": ""}, 'At least one "field" is required.'),
    ({"field": "x"}, 'Invalid field: "x"'),
    ({"field": [Q, "sum(x)"]}, 'Invalid field: "sum(x)"'),
    ({"groupBy": "x"}, 'Invalid groupBy: "x"'),
    ({"groupBy": ["outcome", "Outcome"]}, 'Invalid groupBy: "Outcome"'),
    ({"category": "x"}, 'Invalid category: "x"'),
    ({"outcome": "x"}, 'Invalid outcome: "x"'),
    ({"statsPeriod": None, "start": "2018-11-05"}, "start and end are both required"),
    ({"statsPeriod": None, "end": "2018-11-05"}, "start and end are both required"),
    ({"statsPeriod": None, "start": "2018-11-05", "end": "2018-11-05"}, "start must be before end"),
    ({"statsPeriod": None, "start": "2018-11-06", "end": "2018-11-05"}, "start must be before end"),
    ({"statsPeriod": None, "start": "2018-12-02", "end": "2018-12-01"}, "start must be before end"),
    ({"statsPeriod": None, "start": "x", "end": "2018-11-05"}, f"start {NO_DATE}"),
    ({"statsPeriod": None, "start": "2018-11-05", "end": "2018-13-01"}, f"end {NO_DATE}"),
    ({"statsPeriod": None, "start": "-1", "end": "2018-11-05"}, f"start {NO_DATE}"),
    ({"statsPeriod": None, "start": "1969-12-31", "end": "2018-11-05"}, f"start {NO_DATE}"),
    ({"statsPeriod": None, "start": "nan", "end": "2018-11-05"}, f"start {NO_DATE}"),
    ({"statsPeriod": None, "start": "١", "end": "2018-11-05"}, f"start {NO_DATE}"),
    ({"statsPeriod": None, "start": "2018-11-05", "end": "9" * 40}, f"end {NO_DATE}"),
    ({"category": None}, "Query must have category as groupby or filter"),
    ({"category": "", "groupBy": "outcome"}, "Query must have category as groupby or filter"),
    ({"statsPeriod": "x"}, "Invalid statsPeriod: 'x'"),
    ({"statsPeriod": "0d"}, "Invalid statsPeriod: '0d'"),
    ({"statsPeriod": "-1d"}, "Invalid statsPeriod: '-1d'"),
    ({"statsPeriod": "1y"}, "Invalid statsPeriod: '1y'"),
    ({"statsPeriod": "999999999w"}, "Invalid statsPeriod: '999999999w'"),
    ({"statsPeriod": "١d"}, "Invalid statsPeriod: '١d'"),
    ({"interval": "x"}, "Invalid interval: 'x'"),
    ({"interval": "0s"}, "Invalid interval: '0s'"),
    ({"interval": "2d"}, "The interval has to be less than one day."),
    ({"interval": "1w"}, "The interval has to be less than one day."),
    ({"interval": "86401s"}, "The interval has to be less than one day."),
    ({"interval": "7h"}, "The interval should divide one day without a remainder."),
    ({"interval": "5s"}, "The interval has to be a multiple of 10 seconds, the finest resolution."),
    ({"interval": "15s"}, "The interval has to be a multiple of 10 seconds, the finest resolution."),
    ({"interval": "1m"}, TOO_MANY),
    ({"statsPeriod": None}, TOO_MANY),
    ({"statsPeriod": None, "start": "1970-01-01", "end": "9999-12-31", "interval": "1d"}, TOO_MANY),
    ({"project": "x"}, "Invalid project parameter. Values must be numbers."),
    ({"project": "-2"}, "Invalid project parameter. Values must be numbers."),
    ({"project": "9" * 19}, "Invalid project parameter. Values must be numbers."),
    ({"key_id": "x"}, "Invalid key_id parameter. Values must be numbers."),
]


@pytest.mark.parametrize(("query", "detail"), REFUSED, ids=lambda value: ascii(value)[:60])
def test_a_query_that_cannot_be_is_refused(api: Client, project: Project, query: dict[str, Any], detail: str) -> None:
    response = ask(api, **query)
    assert (response.status_code, response.json()) == (400, {"detail": detail})


@pytest.mark.parametrize(("period", "points"), [("41d", 985), ("999h", 1000)])
def test_up_to_a_thousand_points_are_served(api: Client, project: Project, period: str, points: int) -> None:
    assert len(ask(api, statsPeriod=period).json()["intervals"]) == points
    assert ask(api, statsPeriod="1000h").status_code == 400


def test_more_groups_with_series_than_anyone_could_read_are_refused(
    api: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(api, "web", row(), row("filtered"), row("invalid"))
    monkeypatch.setattr(stats_v2, "MAX_COUNTS", 3 * 25 - 1)
    response = ask(api, groupBy="outcome")
    assert (response.status_code, response.json()) == (400, {"detail": TOO_MANY})
    assert ask(api, groupBy=["project", "outcome"]).status_code == 200
    monkeypatch.setattr(stats_v2, "MAX_COUNTS", 3 * 25)
    assert ask(api, groupBy="outcome").status_code == 200


def test_another_organizations_project_is_missing(
    api: Client, project: Project, other_organization: Organization
) -> None:
    theirs = services.create_project(organization=other_organization, slug="theirs", name="Theirs")
    for number in (theirs.pk, theirs.pk + 1, 0):
        response = ask(api, project=[project.pk, number])
        assert (response.status_code, response.json()) == (404, {"detail": "The requested resource does not exist"})


def test_it_asks_redis_and_the_database_as_often_for_many_projects_as_for_one(
    api: Client, organization: Organization, project: Project, django_assert_num_queries: Any
) -> None:
    post(api, "web", row())
    calls = []
    for number in range(2):
        Project.objects.bulk_create(
            Project(organization=organization, slug=f"p{number}-{place}", name="P") for place in range(49 * number)
        )
        client = get_store().clients.read
        client.config_resetstat()
        with django_assert_num_queries(1):
            ask(api)
        calls.append(client.info("commandstats")["cmdstat_mget"]["calls"])
    assert calls[0] == calls[1]
