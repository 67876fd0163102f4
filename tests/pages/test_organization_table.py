"""The table of an organization: order, search, category, names, and what an empty organization shows."""

from __future__ import annotations

import time
from urllib.parse import urlencode

import pytest
from django.test import Client

from projects import services
from projects.models import Organization, Project
from tests.pages.table import Table, read_table
from tsdb.outcomes import Category, Outcome
from tsdb.series import of_event
from tsdb.store import Increment

pytestmark = pytest.mark.django_db

URL = "/o/acme/"
HOSTILE = "\"'><img src=x onerror=hacked=1>"
# received now, received a day before, filtered now, hours since the last event
COUNTS = {"api": (50, 400, 5, 2), "shop": (300, 100, 0, 5), "web": (120, 120, 40, 3), "idle": (0, 0, 0, 0)}


@pytest.fixture
def projects(organization: Organization) -> dict[str, Project]:
    return {slug: services.create_project(organization=organization, slug=slug, name=slug.upper()) for slug in COUNTS}


@pytest.fixture
def counted(projects: dict[str, Project]) -> dict[str, Project]:
    now = int(time.time())
    for slug, (received, before, filtered, hours) in COUNTS.items():
        for age, amount, outcome in (
            (hours * 3600, received - filtered, Outcome.ACCEPTED),
            (hours * 3600, filtered, Outcome.FILTERED),
            (hours * 3600 + 86400, before, Outcome.ACCEPTED),
        ):
            if amount:
                count(projects[slug], now - age, amount, outcome, now=now)
    return projects


def count(
    project: Project,
    timestamp: int,
    amount: int,
    outcome: Outcome = Outcome.ACCEPTED,
    category: Category = Category.ERROR,
    *,
    now: int,
) -> None:
    series = of_event(project.pk, 0, category, outcome)
    services.count(project.pk, [Increment(one, timestamp, amount) for one in series], now=now)


def table(client: Client, **query: str) -> Table:
    response = client.get(URL, query)
    assert response.status_code == 200
    return read_table(response.content.decode())


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ({}, "shop web api idle"),
        ({"sort": "received", "order": "asc"}, "idle api web shop"),
        ({"sort": "name"}, "api idle shop web"),
        ({"sort": "name", "order": "desc"}, "web shop idle api"),
        ({"sort": "change"}, "shop idle web api"),
        ({"sort": "change", "order": "asc"}, "api idle web shop"),
        ({"sort": "accepted"}, "shop web api idle"),
        ({"sort": "dropped"}, "web api idle shop"),
        ({"sort": "dropped", "order": "asc"}, "idle shop api web"),
        # Who never received anything comes last in both orders.
        ({"sort": "last"}, "api web shop idle"),
        ({"sort": "last", "order": "asc"}, "shop web api idle"),
    ],
)
def test_any_column_sorts_in_both_orders(
    viewer: Client, counted: dict[str, Project], query: dict[str, str], order: str
) -> None:
    assert list(table(viewer, **query).rows) == order.split()


def test_a_click_on_the_sorted_column_turns_the_order_round_and_keeps_the_rest(
    viewer: Client, projects: dict[str, Project]
) -> None:
    text = viewer.get(URL, {"sort": "dropped", "range": "7d", "q": "a b"}).content.decode()
    assert '<a href="?range=7d&amp;sort=dropped&amp;order=asc&amp;q=a+b"' in text
    assert '<a href="?range=7d&amp;sort=name&amp;q=a+b"' in text
    assert '<a href="?range=30d&amp;sort=dropped&amp;q=a+b"' in text
    assert text.count('aria-sort="descending"') == 1


def test_louder_first_is_one_click(viewer: Client, counted: dict[str, Project]) -> None:
    text = viewer.get(URL).content.decode()
    assert 'id="louder" href="?sort=change"' in text
    assert next(iter(table(viewer, sort="change").rows.values()))["change"] == "louder: +200 +200 %"


@pytest.mark.parametrize(
    ("wanted", "hidden"),
    [("", []), ("W", ["shop", "api", "idle"]), ("i", ["shop", "web"]), ("nobody", ["shop", "web", "api", "idle"])],
)
def test_a_search_without_a_script_hides_the_other_rows_and_says_how_many_are_left(
    viewer: Client, counted: dict[str, Project], wanted: str, hidden: list[str]
) -> None:
    found = table(viewer, q=wanted)
    assert found.hidden == hidden
    said = f"<span>{4 - len(hidden)}</span> of 4 projects"
    assert said in viewer.get(URL, {"q": wanted}).content.decode()
    # The totals are those of the organization, whatever is searched for.
    assert found.totals["Received"] == "470"


def test_only_categories_with_counts_can_be_chosen_and_errors_are_the_first_choice(
    viewer: Client, counted: dict[str, Project]
) -> None:
    now = int(time.time())
    count(counted["web"], now, 77, category=Category.LOG_BYTE, now=now)
    text = viewer.get(URL).content.decode()
    assert '<option value="error" selected>Errors</option>' in text
    assert '<option value="log_byte">Logs (bytes)</option>' in text
    assert text.count("<option value=") == 2 + 3  # and the themes
    assert table(viewer, category="log_byte").rows["web"]["received"] == "77"
    assert table(viewer, category="log_byte").rows["shop"]["received"] == "0"
    assert "groupBy=outcome" in viewer.get(URL, {"category": "log_byte"}).content.decode()


@pytest.mark.parametrize("name", ["range", "sort", "order", "category"])
@pytest.mark.parametrize("value", ["", "x", "0", "-1", "\0", "é" * 5000, "24h'", "__class__"])
def test_a_value_that_means_nothing_is_as_if_it_were_not_there(
    viewer: Client, counted: dict[str, Project], name: str, value: str
) -> None:
    assert table(viewer, **{name: value}) == table(viewer)


def test_a_search_for_anything_at_all_is_answered(viewer: Client, counted: dict[str, Project]) -> None:
    for wanted in ("\0", "\ud800".encode("utf-8", "surrogatepass"), "x" * 10_000, HOSTILE, "%", "\\", "&amp;"):
        response = viewer.get(f"{URL}?{urlencode({'q': wanted})}")
        assert response.status_code == 200
        assert b"<img src=x" not in response.content
    assert viewer.get(f"{URL}?q=%ff%fe").status_code == 200
    assert viewer.get(f"{URL}?q=a&q=b&range=7d&range=24h").status_code == 200


def test_names_are_text(viewer: Client, organization: Organization) -> None:
    organization.name = HOSTILE
    services.update_organization(organization=organization)
    services.create_project(organization=organization, slug="hostile", name=HOSTILE)
    text = viewer.get(URL).content.decode()
    assert "<img src=x" not in text
    assert text.count("&lt;img src=x onerror=hacked=1&gt;") == 5  # title, path, heading, caption, row
    assert read_table(text).rows["hostile"]["name"] == f"{HOSTILE} hostile"


def test_an_empty_organization_says_what_to_do_next_to_who_may_do_it(
    viewer: Client, member: Client, boss: Client
) -> None:
    link = 'href="/organization/acme/projects/new/"'
    for client, may in ((viewer, False), (member, True), (boss, True)):
        text = client.get(URL, {"range": "7d"}).content.decode()
        assert "No project yet" in text
        assert (link in text) == may
        assert ("Ask an owner of Acme" in text) == (not may)
        assert "<table" not in text


def test_a_viewer_is_not_offered_to_make_a_project(viewer: Client, member: Client, project: Project) -> None:
    assert b"New project" not in viewer.get(URL).content
    assert b"New project" in member.get(URL).content


def test_an_outsider_and_a_post_are_refused(viewer: Client, stranger_signed_in: Client, project: Project) -> None:
    assert stranger_signed_in.get(URL, {"range": "7d"}).status_code == 404
    assert viewer.post(URL).status_code == 405


def test_another_organizations_projects_are_not_in_it(
    viewer: Client, project: Project, other_organization: Organization
) -> None:
    services.create_project(organization=other_organization, slug="secret", name="Secret")
    assert list(table(viewer).rows) == ["web"]
