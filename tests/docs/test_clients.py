"""docs/clients.md names the versions of the clients that the tests install."""

from __future__ import annotations

import json

import pytest

from tests.docs.markdown import section
from tests.docs.pages import documentation
from tests.servers import ROOT

pytestmark = pytest.mark.once

PACKAGES: dict[str, str] = json.loads((ROOT / "tests/clients/package.json").read_text(encoding="utf-8"))["dependencies"]
PAGE = documentation()["docs/clients.md"]


@pytest.mark.parametrize("package", PACKAGES)
def test_the_page_of_clients_names_the_version_of_each_package(package: str) -> None:
    name, _, version = PACKAGES[package].removeprefix("npm:").rpartition("@")
    text = PAGE if package == "@sentry/cli" else section(PAGE, "javascript")

    assert f"`{name or package}`" in text
    assert version in text.replace(",", " ").replace(";", " ").split()
