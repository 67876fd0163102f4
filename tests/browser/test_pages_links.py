"""A public link in a browser: made by a member, opened by somebody without a login, shown in frames, and revoked."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests.service import Service

pytestmark = pytest.mark.once

MEMBER = """
from django.contrib.auth.models import User
user = User.objects.create_user("member@example.com", password="a long one for tests")
services.add_member(organization=acme, user_id=user.pk, role="member")
"""
LINKS = "/o/acme/web/links/"


@pytest.fixture(scope="module", autouse=True)
def _counted(service: Service) -> None:
    service.run(MEMBER)
    assert service.count(1234).status == 201


@pytest.fixture
def member(page: Page) -> Page:
    """Sign in as a member, and return the page at the links of `web`."""
    page.goto(f"/login/?next={LINKS}")
    page.fill("#id_username", "member@example.com")
    page.fill("#id_password", "a long one for tests")
    page.click("button.primary")
    expect(page).to_have_url(re.compile(f"[0-9]{LINKS}$"))  # the login has it in its query
    return page


def make_link(member: Page, name: str, origins: str = "") -> str:
    """Make a link with the form, and return its address."""
    member.fill("#id_name", name)
    member.fill("#id_origins", origins)
    member.get_by_role("button", name="Make a link").click()
    return member.locator("#address").inner_text()


@pytest.fixture
def open_signed_out(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Return a function that makes a page of a new browser session, in which nobody is signed in."""
    contexts = []

    def make(**options: object) -> Page:
        contexts.append(browser.new_context(**options))  # type: ignore[arg-type]
        return contexts[-1].new_page()

    yield make
    for context in contexts:
        context.close()


def test_a_member_makes_a_link_that_opens_without_a_login_until_it_is_revoked(
    member: Page, open_signed_out: Callable[..., Page]
) -> None:
    address = make_link(member, "For the wiki")
    picture = member.locator(".made-picture")
    assert picture.evaluate("one => one.decode().then(() => one.naturalWidth)") >= 280

    visitor = open_signed_out()
    wrong: list[str] = []
    visitor.on("pageerror", lambda error: wrong.append(str(error)))
    visitor.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    visitor.goto(f"{address}?range=24h")
    expect(visitor.locator("h1")).to_have_text("Web")
    expect(visitor.locator("#chart canvas")).to_be_visible()
    expect(visitor.locator("#totals")).to_contain_text("1,234")
    visitor.locator("summary").click()
    expect(visitor.locator("#table tbody tr").filter(has_text="1,234")).to_have_count(1)
    visitor.get_by_role("link", name="90 days").click()
    expect(visitor.locator("#table tbody tr")).to_have_count(90)
    assert visitor.context.cookies() == []
    assert wrong == []

    member.goto(LINKS)
    row = member.locator("tbody tr").filter(has_text="For the wiki")
    expect(row).to_contain_text("in force")
    row.locator("summary").click()
    row.get_by_role("button").click()
    expect(member.locator(".message")).to_contain_text("is revoked")
    expect(member.locator("tbody tr").filter(has_text="For the wiki")).to_contain_text("revoked")
    answer = visitor.reload()
    assert answer
    assert answer.status == 404


def test_its_chart_has_the_ranges_of_the_page_and_no_others(member: Page, open_signed_out: Callable[..., Page]) -> None:
    visitor = open_signed_out()
    visitor.goto(make_link(member, "No zoom"))
    plot = visitor.locator("#chart .u-over")
    expect(plot).to_be_visible()
    before = visitor.url
    box = plot.bounding_box()
    assert box
    visitor.mouse.move(box["x"] + 100, box["y"] + 50)
    visitor.mouse.down()
    visitor.mouse.move(box["x"] + 300, box["y"] + 50)
    visitor.mouse.up()
    visitor.keyboard.press("Tab")
    visitor.locator(".chart-plot").press("+")
    expect(visitor.locator("#chart")).not_to_contain_text("Drag to zoom")
    visitor.get_by_role("link", name="24 hours").click()  # had there been another address, this one would replace it
    visitor.wait_for_url("**range=24h**")
    assert visitor.evaluate("sessionStorage.length") == 0
    visitor.go_back()
    assert visitor.url == before


@contextmanager
def _site(page: str) -> Iterator[str]:
    """Serve a page of another origin, and yield that origin."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_only_the_sites_that_a_link_names_may_frame_it(member: Page, open_signed_out: Callable[..., Page]) -> None:
    pages = {"named": "", "not named": ""}
    with _site("<p>a site</p>") as named, _site("<p>another</p>") as another:
        address = make_link(member, "Framed", named)
        assert f'<iframe src="{address}"' in member.locator("#frame").inner_text()
        visitor = open_signed_out()
        for kind, site in (("named", named), ("not named", another)):
            visitor.goto(site)
            with visitor.expect_response(address) as answer:
                visitor.set_content(f'<iframe src="{escape(address)}" width="800" height="600"></iframe>')
            assert answer.value.status == 200
            frame = visitor.frames[-1]
            frame.wait_for_load_state()
            pages[kind] = frame.url
            if kind == "named":
                expect(visitor.frame_locator("iframe").locator("#chart canvas")).to_be_visible()
                expect(visitor.frame_locator("iframe").locator("#totals")).to_contain_text("1,234")
    assert pages == {"named": address, "not named": "chrome-error://chromewebdata/"}


def test_the_picture_is_an_image_on_any_site_and_follows_the_readers_theme(
    member: Page, open_signed_out: Callable[..., Page]
) -> None:
    address = make_link(member, "Picture").removesuffix("/") + ".svg"
    with _site("<p>a readme</p>") as site:
        grounds: dict[str, str] = {}
        wrong: list[str] = []

        def note(message: ConsoleMessage) -> None:
            wrong.append(message.text)

        for scheme in ("light", "dark"):
            visitor = open_signed_out(color_scheme=scheme)
            visitor.goto(site)
            visitor.set_content(f'<img src="{address}"><canvas></canvas>')
            assert visitor.locator("img").evaluate("one => one.decode().then(() => one.naturalHeight)") == 104
            visitor.on("console", note)
            visitor.goto(address)  # on its own, under its own policy
            ground = visitor.locator("rect.ground")
            grounds[scheme] = ground.evaluate("one => getComputedStyle(one).fill")
            width = visitor.locator("svg").evaluate("one => one.width.baseVal.value")
            for text in visitor.locator("text").all():
                assert text.evaluate("one => one.getBBox().x + one.getBBox().width") <= width - 16
    assert wrong == []
    assert grounds == {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 22, 27)"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1920])
def test_no_page_of_links_scrolls_sideways(
    member: Page, open_signed_out: Callable[..., Page], width: int, scheme: str
) -> None:
    member.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    member.set_viewport_size({"width": width, "height": 800})
    member.goto(LINKS)
    fits = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    address = make_link(member, "W" * 100, "https://a-rather-long-name.example.com")
    assert member.evaluate(fits)
    member.goto(LINKS)
    assert member.evaluate(fits)
    visitor = open_signed_out(viewport={"width": width, "height": 800}, color_scheme=scheme)
    visitor.goto(address)
    expect(visitor.locator("#chart canvas")).to_be_visible()
    visitor.locator("summary").click()
    assert visitor.evaluate(fits)
