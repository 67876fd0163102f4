"""The page of an organization: its numbers are those of the API, over each range."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
import time_machine
from django.test import Client

from projects import services
from projects.connections import get_store
from projects.models import Organization, Project
from tests.pages.table import Table, read_table
from tsdb.outcomes import Category, Outcome
from tsdb.series import of_event, total
from tsdb.store import Increment

pytestmark = pytest.mark.django_db

NOW = 1_541_455_200 + 25 * 60 + 17  # 2018-11-05T22:25:17Z
HOUR, DAY = 3600, 86400
URL = "/o/acme/"


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def shop(organization: Organization) -> Project:
    return services.create_project(organization=organization, slug="shop", name="Shop")


def count(
    project: Project,
    age: int,
    amount: int = 1,
    outcome: Outcome = Outcome.ACCEPTED,
    category: Category = Category.ERROR,
) -> None:
    """Count events that came `age` seconds ago."""
    series = of_event(project.pk, 0, category, outcome)
    services.count(project.pk, [Increment(one, NOW - age, amount) for one in series], now=NOW)


def table(client: Client, **query: str) -> Table:
    response = client.get(URL, query)
    assert response.status_code == 200
    return read_table(response.content.decode())


def api_link(client: Client, **query: str) -> str:
    """Return the address of the same numbers in the API, as the page names it."""
    text = client.get(URL, query).content.decode()
    found = re.search(r'href="([^"]*/stats_v2/[^"]*)"', text)
    assert found
    return unescape(found[1])


def by_project(answer: Any) -> dict[str, dict[str, int]]:
    """Return the count of each outcome, by the project's slug, from an answer of stats-summary."""
    return {one["slug"]: one["stats"][0]["outcomes"] for one in answer["projects"]}


@pytest.mark.parametrize("category", ["error", "transaction"])
@pytest.mark.parametrize("span", ["24h", "7d", "30d", "90d"])
def test_every_number_is_the_one_that_the_api_answers(
    viewer: Client, api: Client, project: Project, shop: Project, span: str, category: str
) -> None:
    chance = random.Random(span)
    for one in (project, shop):
        for outcome in Outcome:
            for days in (1, 7, 30, 90, 180):
                for _ in range(6):
                    count(one, chance.randrange(days * DAY), chance.randrange(1, 500), outcome, Category(category))
    link = api_link(viewer, range=span, category=category)
    query = link.partition("?")[2]
    summary = by_project(api.get(f"/api/0/organizations/acme/stats-summary/?{query}").json())
    groups = api.get(link).json()["groups"]
    assert summary == {
        one.slug: {
            group["by"]["outcome"]: group["totals"]["sum(quantity)"]
            for group in groups
            if group["by"]["project"] == one.pk
        }
        for one in (project, shop)
    }
    shown = table(viewer, range=span, category=category)
    for slug, outcomes in summary.items():
        row = shown.rows[slug]
        received = outcomes["accepted"] + outcomes["filtered"] + outcomes["rate_limited"]
        assert row["received"] == f"{received:,}"
        assert row["accepted"] == f"{outcomes['accepted']:,}"
        dropped = {outcome: number for outcome, number in outcomes.items() if outcome != "accepted"}
        why = ", ".join(
            f"{number:,} {outcome.replace('_', ' ').replace('discard', 'discards')}"
            for outcome, number in dropped.items()
        )
        assert row["dropped"] == f"{sum(dropped.values()):,}: {why}"
    for outcome in Outcome:
        label = outcome.value.replace("_", " ").replace("discard", "discards").capitalize()
        assert shown.totals[label] == f"{sum(each[outcome.value] for each in summary.values()):,}"


def test_a_range_ends_with_the_hour_that_is_still_open(viewer: Client, project: Project) -> None:
    count(project, 0, 1)
    count(project, 23 * HOUR + 25 * 60, 20)  # in the first hour of the 24
    count(project, 23 * HOUR + 26 * 60, 300)  # in the hour before it
    assert table(viewer).rows["web"]["received"] == "21"
    assert table(viewer, range="7d").rows["web"]["received"] == "321"


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [
        (150, 100, "louder: +50 +50 %"),
        (1003, 1000, "louder: +3 +0.3 %"),
        (90, 120, "quieter: −30 −25 %"),
        (7, 7, "0 0 %"),
        (5, 0, "louder: +5 new"),
        (0, 1200, "quieter: −1,200 −100 %"),
        (0, 0, "nothing in both"),
    ],
)
def test_the_change_compares_the_closed_hours_with_the_same_hours_a_day_before(
    viewer: Client, project: Project, now: int, before: int, said: str
) -> None:
    for age, amount in ((2 * HOUR, now), (26 * HOUR, before)):
        if amount:
            count(project, age, amount)
    # The hour that is still open counts on neither side.
    count(project, 60, 5000)
    count(project, 24 * HOUR, 7000)
    assert table(viewer).rows["web"]["change"] == said


def test_hovering_over_a_change_shows_what_was_compared(viewer: Client, project: Project) -> None:
    count(project, 8 * DAY, 1000)
    count(project, 20 * HOUR, 3000)
    for span, said in (
        ("24h", "3,000 in 23 whole hours, 0 in the same hours 24 hours earlier. The hour still open is left out."),
        ("7d", "3,000 in 167 whole hours, 1,000 in the same hours 7 days earlier. The hour still open is left out."),
        ("30d", "1,000 in 29 whole days, 0 in the same days 30 days earlier. The day still open is left out."),
    ):
        assert f'title="{said}"' in viewer.get(URL, {"range": span}).content.decode()


def test_a_change_from_what_is_no_longer_kept_is_not_shown(viewer: Client, project: Project) -> None:
    count(project, 2 * DAY, 5)
    # Days are kept since a change of the settings 100 days ago, so the 90 days before these are not complete.
    store = get_store()
    state = store.states.get(project.pk)
    since = (NOW // DAY - 100) * DAY
    store.clients.write.set(f"ts:{{{project.pk}}}:state", re.sub(" [^ ]+$", f" {DAY}={since}", state.text))
    store.states._known.clear()
    assert table(viewer, range="90d").rows["web"]["change"] == "not kept"
    assert table(viewer, range="30d").rows["web"]["change"] == "louder: +5 new"


def test_the_last_event_is_told_as_exactly_as_it_is_kept(viewer: Client, project: Project, shop: Project) -> None:
    viewer.cookies["browser_timezone"] = "Asia/Kolkata"
    assert table(viewer).rows["web"]["last"] == "never"
    count(project, 40 * DAY)
    assert table(viewer).rows["web"]["last"] == "40 days ago"
    for age, ago, exactly in (
        (3 * DAY, "3 days ago", "3 Nov 2018, 03:30 – 04:30 (Asia/Kolkata)"),
        (5 * HOUR, "5 h ago", "5 Nov 2018, 22:55 – 23:00 (Asia/Kolkata)"),
        (125, "2 min ago", "6 Nov 2018, 03:53:10 – 03:53:20 (Asia/Kolkata)"),
        (0, "just now", "6 Nov 2018, 03:55:10 – 03:55:20 (Asia/Kolkata)"),
    ):
        count(project, age, outcome=Outcome.RATE_LIMITED)
        assert table(viewer).rows["web"]["last"] == ago
        assert f'title="{exactly}">{ago}</time>' in viewer.get(URL).content.decode()
    # A client discard was never received.
    count(shop, 0, outcome=Outcome.CLIENT_DISCARD)
    assert table(viewer).rows["shop"]["last"] == "never"


def test_a_sparkline_has_at_most_thirty_bars_and_loses_nothing(viewer: Client, project: Project) -> None:
    series = total(project.pk, Category.ERROR, Outcome.ACCEPTED)
    services.count(project.pk, [Increment(series, NOW - hour * HOUR) for hour in range(90 * 24)], now=NOW)
    for span, bars, every in (("24h", 24, "hour"), ("7d", 28, "6 hours"), ("30d", 30, "day"), ("90d", 30, "3 days")):
        text = viewer.get(URL, {"range": span}).content.decode()
        assert re.findall(r"M[0-9.]+ 24v", text) != []
        assert len(re.findall(r"M[0-9.]+ 24v", text)) == bars
        assert f"Received by {every}; the most: " in text


def test_a_number_too_large_for_its_column_is_shortened_and_exact_on_hover(viewer: Client, project: Project) -> None:
    count(project, 0, 9_999_999_999)
    assert table(viewer).rows["web"]["received"] == "9,999,999,999"
    count(project, 0, 2_345_678_901_234)
    text = viewer.get(URL).content.decode()
    assert read_table(text).rows["web"]["received"] == "2.356 ×10¹²"
    assert 'title="2,355,678,901,233"' in text


def test_the_page_needs_as_many_queries_for_many_projects_as_for_one(
    viewer: Client, project: Project, organization: Organization, django_assert_num_queries: Any
) -> None:
    viewer.get(URL)
    with django_assert_num_queries(7):
        viewer.get(URL)
    for number in range(5):
        services.create_project(organization=organization, slug=f"p{number}", name="P")
    with django_assert_num_queries(7):
        viewer.get(URL)
