"""Chromium with a running service.

Nothing here uses Django's database, because the event loop of the browser runs in this thread.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.service import PATIENT, Service

# No sandbox, because root cannot use it, and no calls of the browser's own to other hosts.
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

OURS = ("http://127.0.0.1:", "data:", "blob:")
"""Beginnings of the addresses that a page may load."""

ADMIN = """
from django.contrib.auth.models import User
User.objects.create_superuser("admin", password="a long one for tests")
"""


# The event loop of the browser would keep the tests of other modules from the database, so it ends with each module.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("Chromium is not installed; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        expect.set_options(timeout=60_000)  # on a busy machine its 5 s may be too few
        browser = playwright.chromium.launch(executable_path=chromium, args=list(OPTIONS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def service(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = Service(tmp_path_factory.mktemp("service"), **PATIENT)
    service.run(ADMIN)
    yield service
    service.stop()


@pytest.fixture
def page(browser: Browser, service: Service) -> Iterator[Page]:
    """Yield a page of a new browser session, which takes addresses without a host.

    The test fails after an error in a script, an answer of 5xx, a violation of the Content-Security-Policy, or a
    request to another host.
    """
    context = browser.new_context(base_url=f"http://127.0.0.1:{service.port}")
    context.set_default_timeout(60_000)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if "Security Policy" in message.text else None)
    page.on("response", lambda response: wrong.append(response.url) if response.status >= 500 else None)
    page.on("request", lambda asked: None if asked.url.startswith(OURS) else wrong.append(asked.url))
    yield page
    context.close()
    assert wrong == []


@pytest.fixture
def admin(page: Page) -> Page:
    """Sign in as a superuser, and return the page at the first page of the admin."""
    page.goto("/admin/")
    page.fill("#id_username", "admin")
    page.fill("#id_password", "a long one for tests")
    page.click("input[type=submit]")
    page.locator("#logout-form").wait_for()  # opening a page before would break off the sign-in
    return page
