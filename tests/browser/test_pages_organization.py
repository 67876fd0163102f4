"""The page of an organization in a real browser: sorting and searching in place, ranges, and narrow screens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.service import Service

pytestmark = pytest.mark.once

FILL = """
import time
from django.contrib.auth.models import User
from projects.models import Membership
from tsdb.outcomes import Category, Outcome
from tsdb.series import of_event
from tsdb.store import Increment
now = int(time.time())
counts = {"web": (120, 120, 40), "shop": (300, 100, 0), "api": (50, 400, 5), "idle": (0, 0, 0)}
for slug, (accepted, before, filtered) in counts.items():
    project = Project.objects.filter(slug=slug).first()
    project = project or services.create_project(organization=acme, slug=slug, name=slug.upper())
    for age, amount, outcome in (
        (2 * 3600, accepted, Outcome.ACCEPTED),
        (2 * 3600, filtered, Outcome.FILTERED),
        (26 * 3600, before, Outcome.ACCEPTED),
    ):
        if amount:
            increments = [Increment(one, now - age, amount) for one in of_event(project.pk, 0, Category.ERROR, outcome)]
            services.count(project.pk, increments, now=now)
large = of_event(web.pk, 0, Category.SPAN, Outcome.ACCEPTED) + of_event(web.pk, 0, Category.SPAN, Outcome.FILTERED)
services.count(web.pk, [Increment(one, now - 7200, 4_999_999_999) for one in large], now=now)
transactions = of_event(project.pk, 0, Category.TRANSACTION, Outcome.ACCEPTED)
services.count(project.pk, [Increment(one, now, 7) for one in transactions], now=now)
viewer = User.objects.create_user("viewer", password="a long one for tests")
services.add_member(organization=acme, user_id=viewer.pk, role=Membership.Role.VIEWER)
"""


NUMBERS = "document.querySelectorAll('#projects td.number')"
TABLE = "document.querySelector('.table')"
FIXED = "document.querySelectorAll('#projects thead th, .totals > div, .controls')"


@pytest.fixture(scope="module", autouse=True)
def _counted(service: Service) -> None:
    service.run(FILL)


@pytest.fixture
def overview(page: Page) -> Iterator[Page]:
    """Sign in as a viewer, and yield the page of the only organization. The test fails after an error of a script."""
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    sign_in(page)
    yield page
    assert errors == []


def sign_in(page: Page) -> None:
    page.goto("/login/")
    page.fill("#id_username", "viewer")
    page.fill("#id_password", "a long one for tests")
    page.click("button.primary")
    page.wait_for_url("**/o/acme/")


def shown(page: Page) -> list[str]:
    """Return the names in the rows that can be seen, in lower case."""
    return [name.lower() for name in page.locator("#projects tbody tr:visible th a").all_inner_texts()]


def state(page: Page) -> dict[str, str]:
    """Return what the address says."""
    return {name: values[-1] for name, values in parse_qs(urlsplit(page.url).query).items()}


def heads(page: Page) -> list[tuple[str | None, str | None]]:
    """Return how each head is sorted, and what a click on it would ask for."""
    return [
        (head.get_attribute("aria-sort"), head.locator("a").get_attribute("data-sets"))
        for head in page.locator("#projects thead th[data-column]").all()
    ]


def mark(page: Page) -> None:
    page.evaluate("window.isTheSamePage = true")


def is_marked(page: Page) -> bool:
    return page.evaluate("window.isTheSamePage === true") is True


def test_a_click_on_a_head_sorts_in_place_and_the_address_leads_back_to_it(overview: Page) -> None:
    mark(overview)
    assert shown(overview) == ["shop", "web", "api", "idle"]
    overview.click("th.name >> text=Project")
    assert shown(overview) == ["api", "idle", "shop", "web"]
    overview.click("th.name >> text=Project")
    assert shown(overview) == ["web", "shop", "idle", "api"]
    assert state(overview) == {"sort": "name", "order": "desc"}
    assert overview.get_attribute("th.name", "aria-sort") == "descending"
    assert overview.locator("th[aria-sort]").count() == 1
    assert is_marked(overview)
    overview.reload()
    assert shown(overview) == ["web", "shop", "idle", "api"]


@pytest.mark.parametrize("column", ["name", "received", "change", "accepted", "dropped", "last"])
@pytest.mark.parametrize("clicks", [1, 2])
def test_a_script_sorts_as_the_server_does(overview: Page, column: str, clicks: int) -> None:
    overview.goto("/o/acme/?sort=" + ("name" if column != "name" else "last"))
    for _ in range(clicks):
        overview.click(f"thead th.{column} a")
    in_place = shown(overview), heads(overview)
    overview.reload()
    assert (shown(overview), heads(overview)) == in_place


def test_louder_first_is_one_click(overview: Page) -> None:
    mark(overview)
    overview.click("text=Louder first")
    assert shown(overview) == ["shop", "web", "idle", "api"]
    assert overview.inner_text("#projects tbody tr:first-child td.change").split() == [
        "▲",
        "louder:",
        "+200",
        "+200",
        "%",
    ]
    assert overview.get_attribute("#louder", "aria-current") == "true"
    assert state(overview) == {"sort": "change", "order": "desc"}
    assert is_marked(overview)
    overview.click("thead th.received a")
    assert overview.get_attribute("#louder", "aria-current") is None


def test_the_search_filters_while_one_types_and_says_how_many_are_left(overview: Page) -> None:
    mark(overview)
    overview.fill("#q", "i")
    assert shown(overview) == ["api", "idle"]
    assert overview.inner_text("#found") == "2 of 4 projects"
    overview.click("thead th.name a")
    assert shown(overview) == ["api", "idle"]
    overview.press("#q", "Enter")
    assert is_marked(overview)
    assert state(overview) == {"q": "i", "sort": "name", "order": "asc"}
    overview.fill("#q", "")
    assert len(shown(overview)) == 4
    assert not overview.is_visible("#found")


def test_another_range_keeps_the_order_and_the_search(overview: Page) -> None:
    overview.click("text=Louder first")
    overview.fill("#q", "s")
    overview.click("text=30 d")
    overview.wait_for_url("**range=30d**")
    assert state(overview) == {"range": "30d", "sort": "change", "order": "desc", "q": "s"}
    assert overview.get_attribute("nav.choices a:has-text('30 d')", "aria-current") == "true"
    assert overview.input_value("#q") == "s"
    assert shown(overview) == ["shop"]


def test_another_category_is_shown_at_once_and_keeps_the_rest(overview: Page) -> None:
    overview.click("text=Louder first")
    overview.select_option("#category", "Transactions")
    overview.wait_for_url("**category=transaction**")
    assert state(overview)["sort"] == "change"
    assert overview.inner_text(".totals > div:first-child dd") == "7"
    assert shown(overview)[-1] == "web"


def test_the_footer_leads_to_the_same_numbers_in_the_api(overview: Page) -> None:
    overview.goto("/o/acme/?range=7d")
    link = overview.get_attribute("text=These numbers from the API", "href")
    groups = overview.request.get(link or "").json()["groups"]
    received = ("accepted", "filtered", "rate_limited")
    total = sum(one["totals"]["sum(quantity)"] for one in groups if one["by"]["outcome"] in received)
    assert overview.inner_text(".totals > div:first-child dd >> nth=0") == f"{total:,}" == "1,135"


def test_everything_works_without_a_script(browser: Browser, service: Service) -> None:
    context = browser.new_context(base_url=f"http://127.0.0.1:{service.port}", java_script_enabled=False)
    page = context.new_page()
    sign_in(page)
    page.click("text=Louder first")
    expect(page).to_have_url(re.compile(r"\?sort=change$"))
    assert shown(page) == ["shop", "web", "idle", "api"]
    page.fill("#q", "i")
    page.select_option("#category", "Errors")
    page.click("text=Show")
    page.wait_for_url("**q=i**")
    assert shown(page) == ["idle", "api"]
    assert page.inner_text("#found") == "2 of 4 projects"
    page.click("thead th.name a")
    page.wait_for_url("**sort=name**")
    assert shown(page) == ["api", "idle"]
    context.close()


@pytest.mark.parametrize("category", ["error", "span"])
@pytest.mark.parametrize("width", [360, 480, 768, 800, 1000, 1920, 2560])
def test_no_width_scrolls_sideways_or_cuts_a_number(overview: Page, width: int, category: str) -> None:
    overview.set_viewport_size({"width": width, "height": 800})
    overview.goto(f"/o/acme/?category={category}")
    assert overview.evaluate("document.documentElement.scrollWidth") <= width
    for column in ("name", "received", "change", "dropped"):
        assert overview.is_visible(f"tbody tr:first-child .{column}")
    name = overview.locator("tbody tr:first-child th").bounding_box()
    assert name
    assert name["width"] > 80
    assert overview.evaluate(f"[...{NUMBERS}].filter((one) => one.scrollWidth > one.clientWidth).length") == 0
    # Ordinary numbers need no scrolling inside the table either.
    assert category == "span" or overview.evaluate(f"{TABLE}.scrollWidth <= {TABLE}.clientWidth")


def test_nothing_moves_while_rows_are_sorted_and_searched(overview: Page) -> None:
    where = f"JSON.stringify([...{FIXED}].map((one) => one.getBoundingClientRect()))"
    before = overview.evaluate(where)
    overview.fill("#q", "api")
    overview.click("thead th.dropped a")
    assert overview.evaluate(where) == before
