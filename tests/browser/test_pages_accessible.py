"""Every page in a browser: what axe-core finds, narrow screens, no script, and the weight of the first load.

The pages come from the URL configuration, so a new page is opened as soon as it is added.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.axe import findings
from tests.browser.visiting import Furnished, Visitor, furnish, pages, visiting
from tests.service import Service

pytestmark = pytest.mark.once

HEAVIEST = 120_000
"""The most bytes of bodies that the first load of a page may have, as they are sent."""
SIGNED_OUT = ("/login/", "/nowhere/", "/theme/")
"""Pages of strangers: the login, and what is answered to a wrong address and a wrong method."""


@pytest.fixture(scope="module")
def acme(service: Service) -> Furnished:
    return furnish(service, "acme", "web", "Acme")


@pytest.fixture(scope="module")
def addresses(service: Service, acme: Furnished) -> list[str]:
    return list(pages(service, acme.names).values())


@pytest.fixture(params=["light", "dark"])
def visitor(request: pytest.FixtureRequest, browser: Browser, service: Service, acme: Furnished) -> Iterator[Visitor]:
    """Yield a visitor who is signed in, in each theme of the system."""
    with visiting(browser, service, acme.session, color_scheme=request.param) as visitor:
        yield visitor


@pytest.fixture(params=["light", "dark"])
def stranger(request: pytest.FixtureRequest, browser: Browser, service: Service) -> Iterator[Visitor]:
    with visiting(browser, service, color_scheme=request.param) as visitor:
        yield visitor


def test_axe_finds_nothing_on_any_page(visitor: Visitor, addresses: list[str]) -> None:
    found = []
    for address in addresses:
        visit = visitor.open(address)
        if visit.is_page:
            assert visit.answer.status == 200, address
            found += findings(visit.page)
    assert found == []


def test_axe_finds_nothing_on_what_strangers_see(stranger: Visitor, acme: Furnished, service: Service) -> None:
    found = []
    public = [url for route, url in pages(service, acme.names).items() if "organization" not in route.parameters]
    for address in (*SIGNED_OUT, *public):
        if stranger.open(address).is_page:
            found += findings(stranger.page)
    assert found == []


def test_axe_would_find_something(stranger: Visitor) -> None:
    stranger.open("/login/")
    stranger.page.evaluate("document.querySelector('main').append(document.createElement('input'))")
    assert [one.partition(" ")[2].partition(":")[0] for one in findings(stranger.page)] == ["label"]


def test_axe_finds_nothing_on_a_refused_form(stranger: Visitor) -> None:
    stranger.open("/login/")
    stranger.page.context.clear_cookies()
    stranger.page.fill("#id_username", "a")
    stranger.page.fill("#id_password", "b")
    stranger.page.click("main button")
    expect(stranger.page.locator("h1")).to_have_text("The form was refused")
    assert findings(stranger.page) == []


def test_every_page_says_what_it_is(visitor: Visitor, addresses: list[str]) -> None:
    titles: dict[str, str] = {}
    for address in (*addresses, "/nowhere/"):
        visit = visitor.open(address)
        if not visit.is_page:
            continue
        name, separator, product = visit.page.title().rpartition(" · ")
        assert (bool(name.strip()), separator, product) == (True, " · ", "Event counts"), address
        assert visit.page.locator("h1").count() == 1, address
        assert visit.page.get_attribute("html", "lang") == "en", address
        assert visit.page.locator("link[rel=icon]").count() == 1, address
        assert visit.page.locator("main").count() == 1, address
        assert visit.wrong == [], address
        titles.setdefault(visit.page.title(), visit.page.url)
    assert len(titles) > 3


def test_on_a_narrow_screen_no_page_scrolls_sideways(browser: Browser, service: Service, acme: Furnished) -> None:
    wide = []
    with visiting(browser, service, acme.session, viewport={"width": 360, "height": 740}) as visitor:
        for address in (*pages(service, acme.names).values(), "/nowhere/"):
            if visitor.open(address).is_page:
                ends, fits = visitor.page.evaluate(
                    "[document.scrollingElement.scrollWidth, document.scrollingElement.clientWidth]"
                )
                if ends > fits:
                    wide.append(f"{visitor.page.url}: {ends} > {fits}")
    assert wide == []


def test_every_page_shows_its_content_without_scripts(
    browser: Browser, service: Service, acme: Furnished, addresses: list[str]
) -> None:
    with (
        visiting(browser, service, acme.session) as usual,
        visiting(browser, service, acme.session, java_script_enabled=False) as bare,
    ):
        for address in addresses:
            if not usual.open(address).is_page:
                continue
            bare.open(address)
            assert bare.page.inner_text("h1") == usual.page.inner_text("h1"), address
            for part in ("main table", "main form", "main h2", "main nav"):
                assert bare.page.locator(part).count() >= usual.page.locator(part).count(), (address, part)
            assert bare.page.locator("#theme").count() == bare.page.locator(".theme button:visible").count(), address


def test_the_first_load_of_every_page_is_light(
    browser: Browser, service: Service, acme: Furnished, addresses: list[str]
) -> None:
    weights: dict[str, dict[str, int]] = {}
    for address in addresses:
        with visiting(browser, service, acme.session) as visitor:  # with an empty cache
            visit = visitor.open(address)
            if visit.is_page:
                bodies = [one for one in visit.loaded if not 300 <= one.status < 400]
                weights[address] = {urlsplit(one.url).path: one.request.sizes()["responseBodySize"] for one in bodies}
    assert all("/static/pages/base.css" in parts for parts in weights.values())
    assert {address: parts for address, parts in weights.items() if sum(parts.values()) > HEAVIEST} == {}


def test_the_theme_is_the_systems_until_it_is_chosen(visitor: Visitor, request: pytest.FixtureRequest) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    systems = request.node.callspec.params["visitor"]
    other = {"light": "dark", "dark": "light"}[systems]
    page = visitor.open("/account/").page
    before = page.evaluate(ground)
    page.select_option("#theme", other)
    after = page.evaluate(ground)
    assert before != after
    for address in ("/account/", "/nowhere/", "/o/acme/"):
        assert visitor.open(address).page.evaluate(ground) == after, address
    visitor.open("/account/")
    assert page.input_value("#theme") == other
    page.select_option("#theme", "")
    assert page.evaluate(ground) == before
    assert visitor.open("/nowhere/").page.evaluate(ground) == before


def test_the_theme_can_be_chosen_without_scripts(browser: Browser, service: Service, acme: Furnished) -> None:
    with visiting(browser, service, acme.session, java_script_enabled=False) as visitor:
        page = visitor.open("/o/acme/?range=7d").page
        page.select_option("#theme", "dark")
        page.click("form.theme button")
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        assert page.url.endswith("/o/acme/?range=7d")
        page.select_option("#theme", "")
        page.click("form.theme button")
        expect(page.locator("html:not([data-theme])")).to_have_count(1)
        assert page.url.endswith("/o/acme/?range=7d")
