"""Names that hold markup, on every page: the markup is shown as text, and no script in it runs."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser.visiting import furnish, pages, visiting
from tests.service import Service

pytestmark = pytest.mark.once

HOSTILE = "\"'><img src=x onerror=hacked=1>"


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_no_page_runs_the_markup_in_a_name(browser: Browser, service: Service, scripts: bool) -> None:
    slug = f"hostile-{scripts}".lower()
    hostile = furnish(service, slug, "hostile", f"{HOSTILE}{slug}")
    with visiting(browser, service, hostile.session, java_script_enabled=scripts) as visitor:
        for route, address in pages(service, hostile.names).items():
            visit = visitor.open(address)
            if not visit.is_page:
                continue
            assert visit.answer.status == 200, address
            assert visit.wrong == [], address
            assert visit.page.locator("img[src=x], [onerror]").count() == 0, address
            if scripts:
                assert visit.page.evaluate("window.hacked") is None, address
            if "organization" in route.parameters:
                assert HOSTILE in visit.page.inner_text("body"), address
