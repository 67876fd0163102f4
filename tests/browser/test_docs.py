"""The page at /api/docs/, in a browser that reaches nothing but this service."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.service import Service


@pytest.fixture(scope="module")
def documented(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = Service(tmp_path_factory.mktemp("documented"))
    yield service
    service.stop()


@pytest.fixture
def docs(browser: Browser, documented: Service) -> Iterator[Page]:
    """The page; an error of its scripts or a request to elsewhere fails the test."""
    home = f"http://127.0.0.1:{documented.port}/"
    context = browser.new_context()
    context.set_default_timeout(20_000)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith((home, "data:")) else wrong.append(request.url))
    page.goto(f"{home}api/docs/")
    yield page
    context.close()
    assert wrong == []


def test_it_lists_the_operations_and_shows_the_original_example(docs: Page) -> None:
    docs.click("text=Retrieve event counts for a project")
    example = docs.locator(".responses-table .highlight-code").first
    example.wait_for()
    assert "1537308000" in example.inner_text()
    assert "459" in example.inner_text()


def test_an_operation_can_be_tried_with_a_token(docs: Page, documented: Service) -> None:
    docs.click("button.authorize")
    docs.fill(".modal-ux input", documented.token)
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
