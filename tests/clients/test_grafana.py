"""Requests of Grafana's Sentry data source, read as the data source reads the answers.

The requests and decoders follow the source of grafana/sentry-datasource. pkg/sentry has the headers of the client, its
way to follow `Link`, orgs.go, projects.go, team.go and stats_v2.go. pkg/framer/converters.go decides what becomes a
column of a chart.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from tests.clients import go
from tests.clients.live import IntakeService, Sender
from tests.service import Answer

pytestmark = pytest.mark.once

HOUR = 3600
FIELDS = ("sum(quantity)", "sum(times_seen)")
CATEGORIES = ("error", "transaction", "attachment", "default", "session", "security")
OUTCOMES = ("accepted", "filtered", "invalid", "rate_limited", "client_discard", "abuse")

TEAM = go.struct(id=go.text, name=go.text, slug=go.text)
PROJECTS = go.list_of(
    go.struct(
        dateCreated=go.time,
        hasAccess=go.boolean,
        id=go.text,
        isBookmarked=go.boolean,
        isMember=go.boolean,
        environments=go.list_of(go.text),
        name=go.text,
        slug=go.text,
        team=TEAM,
        teams=go.list_of(TEAM),
    )
)
ORGANIZATIONS = go.list_of(
    go.struct(
        dateCreated=go.time,
        id=go.text,
        isEarlyAdopter=go.boolean,
        name=go.text,
        require2FA=go.boolean,
        slug=go.text,
        status=go.struct(id=go.text, name=go.text),
        avatar=go.struct(avatarType=go.text),
    )
)
TEAMS = go.list_of(
    go.struct(
        avatar=go.struct(avatarType=go.text, avatarUuid=go.anything),
        dateCreated=go.time,
        hasAccess=go.boolean,
        id=go.text,
        isMember=go.boolean,
        isPending=go.boolean,
        memberCount=go.int64,
        name=go.text,
        projects=go.list_of(go.anything),
        slug=go.text,
    )
)
STATS_V2 = go.struct(
    start=go.time,
    end=go.time,
    intervals=go.list_of(go.time),
    groups=go.list_of(
        go.struct(
            by=go.struct(reason=go.text, category=go.text, outcome=go.text),
            totals=go.struct(**dict.fromkeys(FIELDS, go.int64)),
            series=go.struct(**dict.fromkeys(FIELDS, go.list_of(go.int64))),
        )
    ),
)


class Grafana:
    """A data source with a URL, the slug of an organization and a token."""

    def __init__(self, service: IntakeService, organization: str, token: str) -> None:
        self.service, self.organization, self.token = service, organization, token

    def get(self, path: str) -> Answer:
        agent = "grafana-sentry-datasource/2.2.2"
        return self.service.ask("GET", path, authorization=f"Bearer {self.token}", user_agent=agent)

    def fetch(self, path: str, decode: go.Decoder) -> Any:
        answer = self.get(path)
        assert answer.status == 200, answer
        return decode(answer.json())

    def fetch_pages(self, path: str, decode: go.Decoder) -> list[Any]:
        """Fetch all pages: follow rel="next" while its results are "true", using only its path and query."""
        rows: list[Any] = []
        while path:
            answer = self.get(path)
            assert answer.status == 200, answer
            rows += decode(answer.json())
            links = dict(re.findall(r'<([^>]*)>; rel="next"; results="(\w+)"', answer.headers["link"]))
            path = next((_without_host(url) for url, results in links.items() if results == "true"), "")
        return rows

    def stats_path(self, since: datetime, until: datetime, **lists: Any) -> str:
        """Return a path of stats_v2: times without a zone, lists as repeated parameters, names in order."""
        query: dict[str, Any] = {"start": f"{since:%Y-%m-%dT%H:%M:%S}", "end": f"{until:%Y-%m-%dT%H:%M:%S}", **lists}
        words = urlencode(sorted(query.items()), doseq=True)
        return f"/api/0/organizations/{self.organization}/stats_v2/?{words}"

    def chart(self, since: datetime, until: datetime, **lists: Any) -> tuple[list[datetime], dict[Any, list[int]]]:
        """Return the times, and a column for each group and field that has a value for each of the times."""
        stats = self.fetch(self.stats_path(since, until, **lists), STATS_V2)
        times = stats.get("intervals", [])
        columns = {
            (field, *(group["by"].get(name, "") for name in ("category", "outcome", "reason"))): series
            for group in stats["groups"]
            for field, series in group.get("series", {}).items()
            if times and len(series) == len(times)
        }
        return times, columns


def _without_host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


@pytest.fixture
def grafana(service: IntakeService) -> Grafana:
    return Grafana(service, "acme", service.token)


@pytest.fixture
def shop(service: IntakeService) -> Sender:
    return service.new_sender()


def count(service: IntakeService, sender: Sender, *rows: dict[str, Any]) -> None:
    body = {"outcomes": [{"outcome": "accepted", **row} for row in rows]}
    answer = service.ask("POST", f"/api/0/projects/acme/{sender.slug}/outcomes/", body)
    assert answer.status == 201, answer


def last_hours(hours: int = 3) -> tuple[datetime, datetime]:
    until = datetime.now(UTC) + timedelta(minutes=1)  # a range that ends with a full hour has nothing of what came then
    return until - timedelta(hours=hours), until


# --- requests when it is set up, and for its lists of choices -----------------------------------------------------


def test_the_health_check_finds_the_projects(grafana: Grafana, sender: Sender) -> None:
    projects = grafana.fetch("/api/0/organizations/acme/projects/", PROJECTS)
    found = {project["slug"]: project for project in projects}
    assert found[sender.slug]["id"] == str(sender.project)
    assert found[sender.slug]["team"] == {"id": "1", "name": "Acme", "slug": "acme"}


@pytest.mark.parametrize(
    ("organization", "token", "message"),
    [
        ("acme", "sta_no", "401 Invalid token"),
        ("nowhere", "", "404 The requested resource does not exist"),
    ],
)
def test_a_health_check_that_fails_says_why(
    service: IntakeService, organization: str, token: str, message: str
) -> None:
    grafana = Grafana(service, organization, token or service.token)
    answer = grafana.get(f"/api/0/organizations/{organization}/projects/")
    assert f"{answer.status} {go.struct(detail=go.text)(answer.json())['detail']}" == message


def test_organizations_can_be_chosen_from(grafana: Grafana) -> None:
    (organization,) = grafana.fetch("/api/0/organizations/", ORGANIZATIONS)
    assert (organization["slug"], organization["status"]) == ("acme", {"id": "active", "name": "active"})


def test_projects_can_be_chosen_from_however_many(service: IntakeService) -> None:
    token = service.run("""
many = services.create_organization(slug="grafana-many", name="Many")
Project.objects.bulk_create(Project(organization=many, slug=f"p{number}", name="P") for number in range(250))
answer = services.create_token(organization=many, scopes=["org:read"]).secret
""")
    projects = Grafana(service, "grafana-many", token).fetch_pages(
        "/api/0/organizations/grafana-many/projects/", PROJECTS
    )
    assert {project["slug"] for project in projects} == {f"p{number}" for number in range(250)}
    assert len(projects) == 250


def test_teams_and_their_projects_can_be_chosen_from(grafana: Grafana, sender: Sender) -> None:
    (team,) = grafana.fetch_pages("/api/0/organizations/acme/teams/", TEAMS)
    projects = grafana.fetch(f"/api/0/teams/acme/{team['slug']}/projects/", PROJECTS)
    assert sender.slug in {project["slug"] for project in projects}


# --- charts ------------------------------------------------------------------------------------------------------


def test_a_chart_by_outcome_of_several_projects(
    service: IntakeService, grafana: Grafana, sender: Sender, shop: Sender
) -> None:
    now = int(time.time())
    count(service, sender, {"quantity": 5}, {"outcome": "filtered", "reason": "localhost", "quantity": 2})
    count(service, shop, {"quantity": 7, "timestamp": now - HOUR})
    times, columns = grafana.chart(
        *last_hours(),
        field=[FIELDS[0]],
        category=["error"],
        groupBy=["outcome"],
        project=[sender.project, shop.project],
        interval="1h",
    )
    assert times == sorted(times)
    assert {later - earlier for earlier, later in zip(times, times[1:], strict=False)} == {timedelta(hours=1)}
    assert times[0].tzinfo is not None
    sums = {names: sum(series) for names, series in columns.items()}
    assert sums == {(FIELDS[0], "", "accepted", ""): 12, (FIELDS[0], "", "filtered", ""): 2}
    by_time = dict(zip(times, columns[FIELDS[0], "", "accepted", ""], strict=True))
    hour = datetime.fromtimestamp(now - now % HOUR - HOUR, UTC)
    assert by_time[hour] == 7


def test_a_chart_by_every_group_with_both_fields(service: IntakeService, grafana: Grafana, sender: Sender) -> None:
    count(
        service,
        sender,
        {"quantity": 5},
        {"outcome": "filtered", "reason": "localhost", "quantity": 2},
        {"category": "transaction", "quantity": 3},
    )
    _, columns = grafana.chart(
        *last_hours(),
        field=FIELDS,
        category=CATEGORIES,
        groupBy=["outcome", "reason", "category"],
        outcome=OUTCOMES,
        project=[sender.project],
        interval="1h",
    )
    assert {names: sum(series) for names, series in columns.items()} == {
        (field, *names): quantity
        for field in FIELDS
        for names, quantity in {
            ("error", "accepted", "none"): 5,
            ("error", "filtered", "localhost"): 2,
            ("transaction", "accepted", "none"): 3,
        }.items()
    }


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_category_that_it_offers_is_one(grafana: Grafana, sender: Sender, category: str) -> None:
    _, columns = grafana.chart(*last_hours(), field=[FIELDS[0]], category=[category], project=[sender.project])
    assert [sum(series) for series in columns.values()] == [0]


def test_a_reason_is_a_filter_too(service: IntakeService, grafana: Grafana, sender: Sender) -> None:
    for reason in ("localhost", "cors"):
        count(service, sender, {"outcome": "filtered", "reason": reason, "quantity": 2})
    _, columns = grafana.chart(
        *last_hours(), field=[FIELDS[0]], category=["error"], reason=["cors"], project=[sender.project]
    )
    assert [sum(series) for series in columns.values()] == [2]


def test_an_interval_of_a_minute_is_served_for_the_hour_that_seconds_are_kept(
    service: IntakeService, grafana: Grafana, sender: Sender
) -> None:
    now = int(time.time())
    count(service, sender, {"quantity": 5, "timestamp": now - 600}, {"quantity": 7, "timestamp": now})
    until = datetime.fromtimestamp(now + 60, UTC)
    times, columns = grafana.chart(
        until - timedelta(minutes=50),
        until,
        field=[FIELDS[0]],
        category=["error"],
        project=[sender.project],
        interval="1m",
    )
    (series,) = columns.values()
    by_minute = {int(moment.timestamp()): number for moment, number in zip(times, series, strict=True) if number}
    assert by_minute == {(now - 600) // 60 * 60: 5, now // 60 * 60: 7}


def test_a_minute_over_a_day_is_drawn_by_five_minutes_without_a_gap(
    service: IntakeService, grafana: Grafana, sender: Sender
) -> None:
    """The answer has the finest interval that is kept for so long, and the chart takes its times from the answer."""
    now = int(time.time())
    rows = [{"quantity": 2**number, "timestamp": now - number * 5 * HOUR} for number in range(5)]
    count(service, sender, *rows)
    until = datetime.fromtimestamp(now + 60, UTC)
    times, columns = grafana.chart(
        until - timedelta(hours=24),
        until,
        field=[FIELDS[0]],
        category=["error"],
        project=[sender.project],
        interval="1m",
    )
    (series,) = columns.values()
    drawn = {int(moment.timestamp()): number for moment, number in zip(times, series, strict=True) if number}
    assert drawn == {row["timestamp"] // 300 * 300: row["quantity"] for row in rows}
    assert {later - earlier for earlier, later in zip(times, times[1:], strict=False)} == {timedelta(minutes=5)}


def test_a_range_of_too_many_days_is_refused_with_a_reason_to_show(grafana: Grafana, sender: Sender) -> None:
    path = grafana.stats_path(*last_hours(24 * 1001), field=[FIELDS[0]], category=["error"], interval="1m")
    answer = grafana.get(path)
    assert answer.status == 400
    assert go.struct(detail=go.text)(answer.json())["detail"].startswith("Your interval and date range would create")


def test_grouped_by_project_there_is_nothing_to_chart_and_nothing_breaks(
    service: IntakeService, grafana: Grafana, sender: Sender
) -> None:
    count(service, sender, {"quantity": 5})
    query: dict[str, Any] = {"field": [FIELDS[0]], "category": ["error"], "groupBy": ["project", "outcome"]}
    assert grafana.chart(*last_hours(), **query, project=[sender.project]) == ([], {})
    answer = grafana.get(grafana.stats_path(*last_hours(), **query, project=[sender.project]))
    assert [group["by"] for group in answer.json()["groups"]] == [{"project": sender.project, "outcome": "accepted"}]
