"""axe-core, which looks for what keeps people with disabilities from using a page."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.clients import packages
from tests.servers import Missing

_RUN = """async (without) => {
  const rules = Object.fromEntries(without.map((name) => [name, {enabled: false}]));
  return (await axe.run(document, {resultTypes: ["violations"], rules})).violations;
}"""


@cache
def axe() -> str:
    """Return the script of axe-core. Skip the test if npm cannot install it."""
    try:
        packages.install()
    except Missing as missing:
        pytest.skip(str(missing))
    return (packages.MODULES / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def findings(page: Page, without: Iterable[str] = ()) -> list[str]:
    """Return what axe-core finds on the page, a line for each place. `without` names rules that are left out."""
    page.evaluate(axe())
    found: Any = page.evaluate(_RUN, list(without))
    return [f"{page.url} {one['id']}: {place['html'][:200]}" for one in found for place in one["nodes"]]
