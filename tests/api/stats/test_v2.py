"""GET …/organizations/{organization}/stats_v2/: outcomes in any grouping."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from projects import services
from projects.connections import get_store
from projects.models import Organization, Project
from statsapi.api.errors import ASK_FOR_LESS
from statsapi.api.stats import v2
from tests.api.counting import DAY, HOUR, MINUTE, NOW, post, row
from tests.stamps import settle_changes
from tests.tsdb.tools import counted_reads
from tsdb.outcomes import Outcome
from tsdb.store import Store
from tsdb.timeline import Retention

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock_of_statistics")]

URL = "/api/0/organizations/acme/stats_v2/"
Q = "sum(quantity)"


def ask(api: Client, **query: Any) -> Any:
    """Ask for the last day's errors, unless the query says otherwise. A parameter that is None is left out."""
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
    assert response["X-Stats-Retained-Since"] == str(NOW - 769 * HOUR)


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
    assert response["X-Stats-Resolution"] == "60"
    assert response["X-Stats-Retained-Since"] == str(NOW - HOUR)


def spaced(response: Any) -> int:
    """Return the seconds from one interval to the next."""
    first, second = response.json()["intervals"][:2]
    return int((datetime.fromisoformat(second) - datetime.fromisoformat(first)).total_seconds())


@pytest.mark.parametrize(
    ("period", "interval", "used"),
    [
        ("1h", "10s", 10),
        ("90m", "10s", 5 * MINUTE),
        ("1d", "1m", 5 * MINUTE),
        ("1d", "30m", 30 * MINUTE),
        ("7d", "30m", HOUR),
        ("7d", "90m", 2 * HOUR),
        ("30d", None, HOUR),
        ("30d", "6h", 6 * HOUR),
        ("60d", None, DAY),
        ("60d", "1h", DAY),
        ("60d", "6h", DAY),
        ("60d", "1d", DAY),
        ("400d", "10s", DAY),
    ],
)
def test_the_interval_is_the_finest_that_is_kept_since_the_start_and_none_finer_than_asked(
    api: Client, project: Project, period: str, interval: str | None, used: int
) -> None:
    rows = [row(quantity=number, age=age) for number, age in enumerate(range(0, 400 * DAY, 3 * DAY + 1234), start=1)]
    post(api, "web", *rows, row(quantity=1000, age=50 * MINUTE))
    response = ask(api, statsPeriod=period, interval=interval)
    answer = response.json()
    start = datetime.fromisoformat(answer["start"]).timestamp()
    wanted = sum(one["quantity"] for one in rows if one["timestamp"] >= start) + 1000

    assert spaced(response) == int(response["X-Stats-Resolution"]) == used
    assert int(response["X-Stats-Retained-Since"]) <= start
    (group,) = answer["groups"]
    assert group["totals"] == {Q: wanted} == {Q: sum(group["series"][Q])}
    by_project = ask(api, statsPeriod=period, interval=interval, groupBy="project")
    assert [one["totals"] for one in by_project.json()["groups"]] == [{Q: wanted}]
    assert by_project["X-Stats-Resolution"] == response["X-Stats-Resolution"]


def test_what_is_older_than_anything_kept_is_missing_and_the_answer_says_since_when_not(
    api: Client, project: Project
) -> None:
    post(api, "web", row(quantity=3), row(quantity=4, age=399 * DAY))
    response = ask(api, statsPeriod="500d", interval="10s")
    assert response.json()["groups"][0]["totals"] == {Q: 7}
    retained = int(response["X-Stats-Retained-Since"])
    assert retained == NOW // DAY * DAY - 400 * DAY
    with_it = ask(api, statsPeriod=None, start=str(retained), end=str(NOW), interval="10s")
    assert (with_it.json()["groups"][0]["totals"], spaced(with_it)) == ({Q: 7}, DAY)


def test_since_when_it_is_complete_is_said_in_whole_intervals(api: Client, project: Project) -> None:
    response = ask(api, statsPeriod="1d", interval="6h")
    retained = int(response["X-Stats-Retained-Since"])
    assert NOW - 769 * HOUR <= retained < NOW - 763 * HOUR
    assert retained % (6 * HOUR) == 0


@pytest.mark.parametrize("age", [0, 40 * DAY])
def test_what_a_changed_setting_made_anew_is_answered_at_a_resolution_that_is_complete(
    api: Client, project: Project, store: Store, monkeypatch: pytest.MonkeyPatch, age: int
) -> None:
    """Hours that are kept for longer than before are complete only since the change."""
    filled = NOW - 3 * DAY
    monkeypatch.setattr(Store, "retention", lambda self, projects, *, now: Retention(now, {HOUR: filled}))
    assert spaced(ask(api, statsPeriod=None, start=str(filled), end=str(NOW))) == HOUR
    response = ask(api, statsPeriod=None, start=str(filled - 1 - age), end=str(NOW))
    assert spaced(response) == int(response["X-Stats-Resolution"]) == DAY


def test_the_retention_asked_for_is_that_of_the_projects_asked_for(
    api: Client, project: Project, shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[int]] = []

    def retention(self: Store, projects: Iterable[int], *, now: int) -> Retention:
        asked.append(sorted(projects))
        return Retention(now)

    monkeypatch.setattr(Store, "retention", retention)
    for query in ({}, {"project": "web"}, {"project": shop.pk}):
        ask(api, **query)
    assert asked == [[project.pk, shop.pk], [project.pk], [shop.pk]]


@pytest.mark.parametrize("interval", ["", "auto", "x", "1y", "-1h", "1.5h", "1 h", "60", "\u0661h", "None"])
def test_an_interval_that_is_no_length_of_time_is_an_hour(api: Client, project: Project, interval: str) -> None:
    assert spaced(ask(api, interval=interval)) == HOUR


def test_a_project_may_be_named_by_its_slug(api: Client, project: Project, shop: Project) -> None:
    post(api, "web", row(quantity=1))
    post(api, "shop", row(quantity=2))

    def asked(*projects: Any) -> int:
        (group,) = ask(api, project=projects).json()["groups"]
        return int(group["totals"][Q])

    assert (asked("web"), asked("shop"), asked("web", "shop"), asked("web", shop.pk)) == (1, 2, 3, 3)
    assert asked(f"00{project.pk}") == asked("web", project.pk) == 1
    assert asked("web", "-1") == 3
    for unknown in ("nowhere", "-2"):
        assert ask(api, project=["web", unknown]).status_code == 404


FIRST_FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"field": "x"}, 'Invalid field: "x"'),
    ({"groupBy": "x"}, 'Invalid groupBy: "x"'),
    ({"category": "x"}, 'Invalid category: "x"'),
    ({"outcome": "x"}, 'Invalid outcome: "x"'),
    ({"start": "2018-11-05"}, "start and end are both required"),
    ({"category": None}, "Query must have category as groupby or filter"),
    ({"statsPeriod": "x"}, "Invalid statsPeriod: 'x'"),
    ({"interval": "2d"}, "The interval has to be less than one day."),
    ({"project": "X"}, "Invalid project parameter. Values must be numbers or slugs."),
]


@pytest.mark.parametrize("first", range(len(FIRST_FAULTS)))
def test_of_several_faults_the_first_of_the_contracts_order_is_told(api: Client, project: Project, first: int) -> None:
    query: dict[str, Any] = {"statsPeriod": None, "end": None}
    for fault, _ in reversed(FIRST_FAULTS[first:]):
        query |= fault
    if first <= 4:  # a period wins over a start
        query["statsPeriod"] = None
    response = ask(api, **query)
    assert (response.status_code, response.json()) == (400, {"detail": FIRST_FAULTS[first][1]})


def test_a_project_that_is_missing_is_told_before_a_range_that_is_too_long(api: Client, project: Project) -> None:
    assert ask(api, project="nowhere", statsPeriod="1001d").status_code == 404
    assert ask(api, project="nowhere", interval="2d").status_code == 400


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
    ({"interval": "0s"}, "Invalid interval: '0s'"),
    ({"interval": "2d"}, "The interval has to be less than one day."),
    ({"interval": "1w"}, "The interval has to be less than one day."),
    ({"interval": "86401s"}, "The interval has to be less than one day."),
    ({"interval": "7h"}, "The interval should divide one day without a remainder."),
    ({"interval": "5s"}, "The interval has to be a multiple of 10 seconds, the finest resolution."),
    ({"interval": "15s"}, "The interval has to be a multiple of 10 seconds, the finest resolution."),
    ({"interval": "9" * 99 + "s"}, "The interval has to be less than one day."),
    ({"interval": "1m", "statsPeriod": None, "start": str(NOW), "end": str(NOW + DAY)}, TOO_MANY),
    ({"statsPeriod": "1001d"}, TOO_MANY),
    ({"statsPeriod": None, "start": "1970-01-01", "end": "9999-12-31", "interval": "1d"}, TOO_MANY),
    ({"project": "Web"}, "Invalid project parameter. Values must be numbers or slugs."),
    ({"project": "web "}, "Invalid project parameter. Values must be numbers or slugs."),
    ({"project": "x" * 101}, "Invalid project parameter. Values must be numbers or slugs."),
    ({"project": "9" * 19}, "Invalid project parameter. Values must be numbers or slugs."),
    ({"key_id": "web"}, "Invalid key_id parameter. Values must be numbers."),
    ({"key_id": "x"}, "Invalid key_id parameter. Values must be numbers."),
]


@pytest.mark.parametrize(("query", "detail"), REFUSED, ids=lambda value: ascii(value)[:60])
def test_a_query_that_cannot_be_is_refused(api: Client, project: Project, query: dict[str, Any], detail: str) -> None:
    response = ask(api, **query)
    assert (response.status_code, response.json()) == (400, {"detail": detail})


@pytest.mark.parametrize(
    ("start", "hours", "points"), [(NOW - 2 * DAY, 24, 72), (NOW, 1000, 1000), (NOW - HOUR, 999, 1000)]
)
def test_up_to_a_thousand_points_are_served(api: Client, project: Project, start: int, hours: int, points: int) -> None:
    response = ask(api, statsPeriod=None, start=str(start), end=str(NOW + hours * HOUR))
    assert len(response.json()["intervals"]) == points
    assert ask(api, statsPeriod=None, start=str(NOW), end=str(NOW + 1000 * HOUR + 1)).status_code == 400


def test_as_many_points_as_the_interval_that_is_used_makes_are_counted(api: Client, project: Project) -> None:
    """Minutes of a day would be 1440, but it is answered by 5 minutes.

    Hours of 90 days would be 2160, but by the day.
    """
    assert len(ask(api, interval="1m").json()["intervals"]) == 289
    assert len(ask(api, statsPeriod=None).json()["intervals"]) == 91
    assert len(ask(api, statsPeriod="999d").json()["intervals"]) == 1000


def test_more_groups_with_series_than_anyone_could_read_are_refused(
    api: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(api, "web", row(), row("filtered"), row("invalid"))
    monkeypatch.setattr(v2, "MAX_COUNTS", 3 * 25 - 1)
    response = ask(api, groupBy="outcome")
    assert (response.status_code, response.json()) == (400, {"detail": f"{TOO_MANY} {ASK_FOR_LESS}"})
    assert ask(api, groupBy=["project", "outcome"]).status_code == 200
    monkeypatch.setattr(v2, "MAX_COUNTS", 3 * 25)
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
        settle_changes()
        ask(api)  # from now on this process knows the token and the projects
        with django_assert_num_queries(0), counted_reads(get_store()) as reads:
            ask(api)
        calls.append(reads[0])
    assert calls[0] == calls[1]
