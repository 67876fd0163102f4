"""The chart of a project in a real browser: what it draws, zooming, keys, themes and sizes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.charts import (
    HOUR,
    WEB,
    drawn,
    fill,
    open_chart,
    pixels,
    place_of,
    query_of,
    sign_in,
    until,
    until_drawn,
    written,
)
from tests.servers import wait_for
from tests.service import Service

pytestmark = pytest.mark.once
OUTCOMES = ["accepted", "filtered", "rate_limited", "client_discard", "invalid"]
SHIFTS = """() => new Promise(done => new PerformanceObserver(list => done(list.getEntries().map(entry => entry.value)))
  .observe({type: "layout-shift", buffered: true}) || setTimeout(done, 500, []))"""
SIZES = """["navigation", "resource"].flatMap(kind => performance.getEntriesByType(kind))
  .map(entry => [entry.name, entry.encodedBodySize])"""


@pytest.fixture(scope="module", autouse=True)
def _counted(service: Service) -> None:
    fill(service)


@pytest.fixture
def person(page: Page) -> Iterator[Page]:
    """Yield the page of a person who is signed in. The test fails after an error in the console."""
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    sign_in(page)
    yield page
    assert wrong == []


def legend(page: Page) -> dict[str, str]:
    """Return the values of the legend by their names."""
    entries = page.locator(".chart-legend li")
    return dict(entry.inner_text().split("\n", 1) for entry in entries.all())


def change(page: Page, javascript: str) -> None:
    """Change the numbers in the page as a renewal does. The text is an object made from `counts`."""
    page.evaluate(f"""() => {{
      const block = document.getElementById("counts");
      const counts = JSON.parse(block.textContent);
      block.textContent = JSON.stringify(Object.assign(counts, {javascript}));
      document.dispatchEvent(new Event("countschange"));
    }}""")


@pytest.mark.parametrize("query", ["", "?range=1h", "?range=7d", "?range=90d", "?range=24h&timezone=Asia/Kathmandu"])
def test_it_draws_the_numbers_that_the_server_wrote_into_the_page(person: Page, query: str) -> None:
    open_chart(person, query)
    numbers = written(person)
    assert list(numbers["series"]) == OUTCOMES
    assert drawn(person) == [numbers["starts"], *numbers["series"].values()]
    total = sum(sum(counts) for counts in numbers["series"].values())
    assert total > 0
    assert legend(person)["Total shown"] == f"{total:,}"


def test_each_outcome_is_seen_in_its_colour(person: Page) -> None:
    open_chart(person)
    for outcome in OUTCOMES:
        until_drawn(person, f"--{outcome.replace('_', '-')}")


def test_the_bucket_under_the_mouse_is_told_in_numbers(person: Page) -> None:
    open_chart(person, "?range=7d&timezone=Europe/Berlin")
    numbers = written(person)
    place = len(numbers["starts"]) - 3
    person.mouse.move(*place_of(person, place))
    expect(person.locator(".chart-when")).to_contain_text("Europe/Berlin, GMT+")
    accepted = numbers["series"]["accepted"][place]
    assert accepted > 0
    # Without a cursor the zone stands there too.
    wait_for(lambda: legend(person)["Accepted"] == f"{accepted:,}", "the legend of the bucket")


def test_an_open_bucket_is_hatched_and_called_open(person: Page) -> None:
    open_chart(person, "?range=24h&resolution=1h")
    numbers = written(person)
    last = len(numbers["starts"]) - 1
    assert numbers["open"] == last
    full = pixels(person, "--accepted")
    change(person, "{open: null}")
    expect(person.locator(".chart-when")).not_to_contain_text("open")
    wait_for(lambda: pixels(person, "--accepted") > full, "the bucket without hatching")
    change(person, f"{{open: {last}}}")
    person.mouse.move(*place_of(person, last))
    expect(person.locator(".chart-when")).to_contain_text(re.compile("· open$"))


def test_what_is_not_kept_is_said_and_is_no_zero(person: Page) -> None:
    open_chart(person)
    assert legend(person)["Accepted"] != "–"
    change(person, "{series: Object.fromEntries(Object.entries(counts.series).map(([o, c]) => [o, c.with(0, null)]))}")
    person.mouse.move(*place_of(person, 0))
    expect(person.locator(".chart-when")).to_contain_text(re.compile("· not kept$"))
    assert set(legend(person).values()) == {"–"}


def test_the_period_before_is_a_line_of_its_own(person: Page) -> None:
    open_chart(person)
    assert "Received before" not in legend(person)
    change(person, "{before: counts.starts.map((_, place) => place === 0 ? null : 1000)}")
    count = len(written(person)["starts"])
    assert legend(person)["Received before"] == f"{1000 * (count - 1):,}"
    assert drawn(person)[-1] == [None, *[1000] * (count - 1)]
    assert person.evaluate("document.getElementById('chart').uplot.scales.y.max") >= 1000


def test_an_outcome_can_be_switched_off_and_on(person: Page) -> None:
    open_chart(person)
    before, height = legend(person), "document.getElementById('chart').uplot.scales.y.max"
    tall = person.evaluate(height)
    button = person.get_by_role("button", name="Accepted")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    until(person, f"{height} < {tall}")
    wait_for(lambda: pixels(person, "--accepted") == 0, "the chart without accepted events")
    total, accepted = (int(before[name].replace(",", "")) for name in ("Total shown", "Accepted"))
    assert legend(person)["Total shown"] == f"{total - accepted:,}"
    button.click()
    until(person, f"{height} === {tall}")
    assert legend(person) == before


def test_dragging_opens_the_part_at_a_finer_resolution_and_a_double_click_leads_back(person: Page) -> None:
    open_chart(person, "?range=7d&timezone=Europe/Berlin")
    numbers = written(person)
    assert numbers["interval"] == HOUR
    first, last = len(numbers["starts"]) - 6, len(numbers["starts"]) - 4
    person.mouse.move(*place_of(person, first))
    person.mouse.down()
    person.mouse.move(*place_of(person, last), steps=5)
    person.mouse.up()
    person.wait_for_url("**from=**")
    person.locator("#chart canvas").wait_for()
    start, end = numbers["starts"][first], numbers["starts"][last + 1]
    assert query_of(person) == {"from": str(start), "to": str(end), "timezone": "Europe/Berlin"}
    zoomed = written(person)
    assert (zoomed["interval"], zoomed["starts"][0], zoomed["end"]) == (300, start, end)
    person.mouse.dblclick(*place_of(person, 3))
    person.wait_for_url("**range=7d**")
    assert query_of(person) == {"range": "7d", "timezone": "Europe/Berlin"}


def test_a_zoomed_address_that_somebody_sent_leads_out_to_the_usual_range(person: Page) -> None:
    open_chart(person)
    start = written(person)["starts"][-20]
    open_chart(person, f"?from={start}&to={start + 1800}&category=error")
    person.get_by_role("button", name="Zoom out").click()
    person.wait_for_url(re.compile(r"/web/\?category=error$"))


def test_a_click_does_not_zoom(person: Page) -> None:
    open_chart(person, "?range=7d")
    person.mouse.click(*place_of(person, 20))
    assert person.evaluate("sessionStorage.length") == 0  # which remembers from where somebody zoomed
    assert query_of(person) == {"range": "7d"}


def test_keys_move_over_the_buckets_and_their_values_are_spoken(person: Page) -> None:
    open_chart(person, "?range=24h&resolution=1h&timezone=UTC")
    counts = written(person)["series"]["accepted"]
    spoken = person.locator("#chart [aria-live=polite]")
    person.locator(".chart-plot").focus()
    person.keyboard.press("ArrowLeft")
    expect(spoken).to_contain_text("· UTC · open")
    person.keyboard.press("ArrowLeft")
    expect(spoken).to_contain_text(re.compile(rf": Total [\d,]+, Accepted {counts[-2]:,}, Filtered"))
    person.keyboard.press("Home")
    person.keyboard.press("ArrowRight")
    expect(spoken).to_contain_text(f"Accepted {counts[1]:,}")
    marked = person.locator(".chart-mark")
    expect(marked).to_be_visible()
    person.keyboard.press("Escape")
    expect(marked).to_be_hidden()


def test_plus_and_minus_zoom_around_the_cursor(person: Page) -> None:
    open_chart(person, "?range=24h&resolution=1h")
    starts = written(person)["starts"]
    person.locator(".chart-plot").focus()
    person.keyboard.press("End")
    for _ in range(6):
        person.keyboard.press("ArrowLeft")
    person.keyboard.press("+")
    person.wait_for_url("**from=**")
    asked = query_of(person)
    assert (int(asked["from"]), int(asked["to"])) == (starts[-9], starts[-4])
    person.locator("#chart canvas").wait_for()
    person.locator(".chart-plot").focus()
    person.keyboard.press("-")
    person.wait_for_url("**range=24h**")


def test_a_day_that_is_over_lasts_until_24_hours(person: Page) -> None:
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    open_chart(person, f"?from={yesterday}&to={yesterday}&resolution=1h&timezone=UTC")
    expect(person.locator(".chart-when")).to_contain_text("00:00 – 24:00 · UTC")


def test_it_follows_the_theme_of_the_system_and_the_switch(person: Page) -> None:
    person.emulate_media(color_scheme="light")
    open_chart(person)
    light = person.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--accepted')")
    until_drawn(person, "--accepted")
    person.emulate_media(color_scheme="dark")
    until(person, f"getComputedStyle(document.documentElement).getPropertyValue('--accepted') !== '{light}'")
    until_drawn(person, "--accepted")
    person.select_option("#theme", "light")
    until_drawn(person, "--accepted")


@pytest.mark.parametrize("width", [360, 1920, 2560])
def test_no_width_makes_the_page_scroll_sideways(person: Page, width: int) -> None:
    person.set_viewport_size({"width": width, "height": 900})
    open_chart(person)
    assert person.evaluate("document.documentElement.scrollWidth") <= width
    person.set_viewport_size({"width": 360, "height": 900})
    until(person, "document.getElementById('chart').uplot.width <= 340")
    assert person.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_moves_when_the_chart_is_drawn(person: Page, width: int) -> None:
    """The box of the chart is as large before the script runs as it is after."""
    person.set_viewport_size({"width": width, "height": 900})
    open_chart(person)
    after = person.locator("#chart").bounding_box()
    moved: list[float] = person.evaluate(SHIFTS)
    person.route("**/chart.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    person.goto(WEB)
    assert person.locator("#chart").bounding_box() == after
    assert sum(moved) < 0.01


def test_all_that_the_page_loads_first_is_less_than_120_kilobytes(person: Page) -> None:
    open_chart(person)
    sizes: dict[str, int] = dict(person.evaluate(SIZES))
    assert any("uPlot.iife.min.js" in url for url in sizes)
    assert sum(sizes.values()) < 120_000, json.dumps(sizes, indent=1)


def test_without_a_script_the_table_is_there_and_the_box_says_it(
    browser: Browser, person: Page, service: Service
) -> None:
    state = person.context.storage_state()
    context = browser.new_context(
        base_url=f"http://127.0.0.1:{service.port}", storage_state=state, java_script_enabled=False
    )
    page = context.new_page()
    page.goto(WEB)
    expect(page.get_by_text("The table below has the same numbers.")).to_be_visible()
    assert page.locator("#table tbody tr").count() > 24
    context.close()
