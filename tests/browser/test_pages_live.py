"""The view of the last hour moves on by itself: in a real browser, with events that are really sent.

The clock of the browser stands still and is moved, so that nobody waits for ten seconds to pass, and no renewal comes
by itself in the middle of a test.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect

from tests.browser.charts import drawn, fill, open_chart, send_event, sign_in, stop_clock, written
from tests.service import Service

pytestmark = pytest.mark.once
HIDDEN = """hidden => {
  Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture(scope="module", autouse=True)
def _counted(service: Service) -> None:
    fill(service)


@pytest.fixture
def live(page: Page) -> Page:
    """Return the page with the view of the last hour, at a clock that a test can move."""
    stop_clock(page)
    sign_in(page)
    open_chart(page, "?range=1h")
    expect(page.locator("#live")).to_have_text("Live")
    return page


@pytest.fixture
def renewals(live: Page) -> list[str]:
    """Return a list that grows by each request for the page."""
    asked: list[str] = []
    live.on("request", lambda request: asked.append(request.url) if "/o/acme/web/" in request.url else None)
    return asked


def accepted(page: Page) -> int:
    return sum(count or 0 for count in drawn(page)[1])


def total(page: Page) -> str:
    return page.locator("#totals dd").nth(1).inner_text()


def show(page: Page, is_shown: bool) -> None:
    """Tell the page that it is looked at, or that it is not."""
    page.evaluate(HIDDEN, not is_shown)


@contextmanager
def renewal(page: Page) -> Iterator[None]:
    """Wait at the end until the new numbers of a renewal are drawn."""
    page.evaluate("() => { window.renewed = new Promise(done => document.addEventListener('countschange', done)) }")
    yield
    page.evaluate("window.renewed.then(() => true)")


def renew(page: Page) -> None:
    """Let ten seconds pass, and wait until the new numbers are drawn."""
    with renewal(page):
        page.clock.fast_forward(11_000)


def test_an_event_that_is_sent_with_the_dsn_appears_without_loading_the_page(live: Page, service: Service) -> None:
    live.evaluate("window.isTheSamePage = true")
    before, told = accepted(live), total(live)
    send_event(service)
    renew(live)
    assert accepted(live) != before
    counted = sum(written(live)["series"]["accepted"])
    assert accepted(live) == counted
    assert total(live) == f"{counted:,}" != told
    assert drawn(live)[0] == written(live)["starts"]
    assert live.evaluate("window.isTheSamePage")


def test_it_rests_while_nobody_looks_and_catches_up_at_once(live: Page, renewals: list[str]) -> None:
    show(live, False)
    live.clock.fast_forward(60_000)
    live.evaluate("fetch('/healthz')")  # a request of the time that has passed would come before it
    assert renewals == []
    with renewal(live):
        show(live, True)
    renew(live)
    assert len(renewals) == 2


def test_other_ranges_do_not_move(live: Page) -> None:
    open_chart(live, "?range=24h")
    expect(live.locator("#live")).to_be_empty()


def test_a_failure_is_told_quietly_and_it_goes_on_trying(live: Page) -> None:
    live.context.set_offline(True)
    live.clock.fast_forward(11_000)
    expect(live.locator("#live")).to_contain_text("Not updated since")
    live.context.set_offline(False)
    live.clock.fast_forward(11_000)
    expect(live.locator("#live")).to_have_text("Live")


def test_who_is_signed_out_is_told_and_it_stops(live: Page, renewals: list[str]) -> None:
    live.context.clear_cookies()
    live.clock.fast_forward(11_000)
    expect(live.locator("#live")).to_contain_text("You are signed out")
    asked = len(renewals)
    live.clock.fast_forward(60_000)
    show(live, True)
    live.evaluate("fetch('/healthz')")
    assert len(renewals) == asked


def test_the_cursor_of_the_keys_stays_at_its_time(live: Page) -> None:
    live.locator(".chart-plot").focus()
    for _ in range(30):
        live.keyboard.press("ArrowLeft")
    told = live.locator(".chart-when").inner_text()
    renew(live)
    assert live.locator(".chart-when").inner_text() == told


def test_what_somebody_marked_is_not_taken_away(live: Page) -> None:
    live.evaluate("""() => {
      window.marked = document.querySelector("#totals dd");
      getSelection().selectAllChildren(window.marked);
    }""")
    renew(live)
    assert live.evaluate("window.marked.isConnected")
    live.evaluate("getSelection().removeAllRanges()")
