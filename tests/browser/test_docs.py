"""The page at /api/docs/, in a browser that reaches nothing but this service."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

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
