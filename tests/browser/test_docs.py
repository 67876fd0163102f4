"""The page at /api/docs/, in a browser that reaches nothing but this service."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.axe import findings
from tests.service import Service

pytestmark = pytest.mark.once


@pytest.fixture
def docs(page: Page) -> Page:
    page.goto("/api/docs/")
    return page


def test_it_lists_the_operations_and_shows_the_original_example(docs: Page) -> None:
    docs.click("text=Retrieve event counts for a project")
    example = docs.locator(".responses-table .highlight-code").first
    example.wait_for()
    assert "1537308000" in example.inner_text()
    assert "459" in example.inner_text()


def test_an_operation_can_be_tried_with_a_token(docs: Page, service: Service) -> None:
    docs.click("button.authorize")
    docs.fill(".modal-ux input", service.token)
    docs.click(".modal-ux button.authorize")
    docs.click(".modal-ux button.btn-done")
    docs.click("text=Retrieve event counts for a project")
    docs.click("button.try-out__btn")
    docs.fill("tr[data-param-name=organization_slug] input", "acme")
    docs.fill("tr[data-param-name=project_slug] input", "web")
    docs.click("button.execute")
    answer = docs.locator(".live-responses-table .response").first
    answer.wait_for()
    assert answer.locator(".response-col_status").inner_text().startswith("200")


SWAGGERS_OWN = {
    "heading-order": "its tags are h3 below the h1 or h2 of the title",
    "nested-interactive": "a row that can be clicked holds the button that opens it",
    "region": "the scheme and the title stand outside of its main",
    "landmark-unique": "the tables of two operations are live regions without a name",
    "scrollable-region-focusable": "a long example scrolls and takes no focus",
    "select-name": "two of its selects have no label",
}
"""Rules that Swagger UI's markup breaks, and that no style sheet can mend."""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("chosen", ["by the system", "by the switch"])
def test_it_can_be_read_in_both_themes(page: Page, theme: str, chosen: str) -> None:
    page.emulate_media(color_scheme=theme if chosen == "by the system" else "light")  # type: ignore[arg-type]
    if chosen == "by the switch":
        page.goto("/login/")
        page.select_option("#theme", theme)
    page.goto("/api/docs/")
    page.wait_for_selector(".opblock")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 22, 27)"}[theme]
    assert findings(page, SWAGGERS_OWN) == []
    page.click("text=Retrieve event counts for a project")
    page.locator(".responses-table .highlight-code").first.wait_for()
    assert findings(page, SWAGGERS_OWN) == []


def test_on_a_narrow_screen_it_does_not_scroll_sideways(docs: Page) -> None:
    docs.set_viewport_size({"width": 360, "height": 740})
    docs.wait_for_selector(".opblock")
    assert docs.evaluate("document.scrollingElement.scrollWidth <= document.scrollingElement.clientWidth")
