"""What the tests of the chart share: signing in, counting, and reading what is drawn."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page

from tests.servers import wait_for
from tests.service import Service

WEB = "/o/acme/web/"
HOUR = 3600
DSN = """
from projects.models import ProjectKey
key = ProjectKey.objects.filter(project__slug="web")[0]
answer = [key.project_id, key.public]
"""
PIXELS = """wanted => {
  const canvas = document.querySelector("#chart canvas");
  const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const probe = document.createElement("canvas").getContext("2d");
  probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(wanted);
  probe.fillRect(0, 0, 1, 1);
  const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
  let found = 0;
  for (let i = 0; i < data.length; i += 4) found += data[i] === r && data[i + 1] === g && data[i + 2] === b;
  return found;
}"""


def sign_in(page: Page) -> None:
    page.goto("/login/")
    page.fill("[name=username]", "admin")
    page.fill("[name=password]", "a long one for tests")
    page.click("main button")
    page.wait_for_url("**/o/**")


def stop_clock(page: Page) -> None:
    """Let time stand still for the pages that are opened from now on. A test moves it."""
    page.clock.install()
    page.clock.pause_at(time.time() + 60)  # it cannot go back


def count(service: Service, rows: Iterable[dict[str, Any]]) -> None:
    """Count outcomes into acme/web over HTTP."""
    answer = service.ask("POST", "/api/0/projects/acme/web/outcomes/", {"outcomes": list(rows)})
    assert answer.status == 201, answer


def send_event(service: Service) -> None:
    """Send an event with the key of the project's DSN, as an SDK does."""
    number, key = service.run(DSN)
    credentials = f"Sentry sentry_key={key}, sentry_version=7, sentry_client=test/1.0"
    answer = service.ask(
        "POST", f"/api/{number}/store/", {"message": "counted"}, authorization="", x_sentry_auth=credentials
    )
    assert answer.status == 200, answer


def fill(service: Service) -> None:
    """Count something in each of the last 30 hours and in each minute of the last hour."""
    now = int(time.time())
    outcomes = (("accepted", None, 40), ("filtered", "web-crawlers", 12), ("rate_limited", "key_quota", 6))
    rare = (("client_discard", "before_send", 3), ("invalid", "invalid_json", 2))
    for ago in [*range(0, HOUR, 60), *range(HOUR, 30 * HOUR, HOUR)]:
        count(
            service,
            (
                {"outcome": word, "reason": why, "quantity": much, "timestamp": now - ago}
                for word, why, much in (*outcomes, *rare)
            ),
        )


def open_chart(page: Page, query: str = "") -> None:
    """Open the project's page and wait until the chart is drawn."""
    page.goto(WEB + query)
    page.locator("#chart canvas").wait_for()


def until(page: Page, condition: str) -> None:
    """Wait until a condition in JavaScript holds. Playwright's own way is forbidden by the Content-Security-Policy."""
    page.evaluate(f"new Promise(done => {{const look = () => {condition} ? done() : setTimeout(look, 10); look()}})")


def written(page: Page) -> dict[str, Any]:
    """Return the numbers that the server wrote into the page."""
    numbers: dict[str, Any] = json.loads(page.locator("#counts").text_content() or "")
    return numbers


def drawn(page: Page) -> list[list[int | None]]:
    """Return the columns that uPlot draws: the starts of the buckets, and the counts of each outcome."""
    columns: list[list[int | None]] = page.evaluate("Array.from(document.getElementById('chart').uplot.data)")
    return columns


def pixels(page: Page, variable: str) -> int:
    """Return how many pixels of the plot have the colour of a CSS variable."""
    found: int = page.evaluate(PIXELS, variable)
    return found


def until_drawn(page: Page, variable: str) -> None:
    """Wait until the plot shows the colour of a CSS variable. A chart is drawn a moment after its colours change."""
    wait_for(lambda: pixels(page, variable) > 50, f"a plot with {variable}")


def place_of(page: Page, index: int) -> tuple[float, float]:
    """Return the middle of a bucket on the screen."""
    box = page.locator("#chart .u-over").bounding_box()
    assert box
    middle: float = page.evaluate(
        """index => {
          const {uplot} = document.getElementById("chart");
          const [start, next] = [uplot.data[0][index], uplot.data[0][index + 1] ?? uplot.scales.x.max];
          return uplot.valToPos((start + next) / 2, "x");
        }""",
        index,
    )
    return box["x"] + middle, box["y"] + box["height"] / 2


def query_of(page: Page) -> dict[str, str]:
    """Return the parameters of the page's address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}
