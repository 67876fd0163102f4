"""docs/clients.md names the versions of the clients that the tests install."""

from __future__ import annotations

import json
import re

import pytest

from tests.docs.markdown import section
from tests.docs.pages import documentation
from tests.servers import ROOT

pytestmark = pytest.mark.once

PAGE = documentation()["docs/clients.md"]
PACKAGES: dict[str, str] = json.loads((ROOT / "tests/clients/package.json").read_text(encoding="utf-8"))["dependencies"]
PIN = re.compile(r"^([A-Za-z0-9_.-]+)==(\S+)", re.MULTILINE)
APART = {
    pin
    for path in (ROOT / "tests/clients/python").glob("*.in")
    for pin in PIN.findall(path.read_text(encoding="utf-8"))
}
"""The clients that have a virtual environment of their own, with their versions."""
BESIDE = {
    (name, version)
    for name, version in PIN.findall((ROOT / "requirements-dev.in").read_text(encoding="utf-8"))
    if name in {"raven", "schemathesis", "sentry-sdk"}
}
"""The clients among what the tests need anyway."""
PYTHON = sorted(APART | BESIDE)


def row(text: str, name: str, version: str) -> bool:
    """Return whether a line of the text names the client and this version."""
    lines = (line.replace(",", " ").replace(";", " ").split() for line in text.splitlines() if f"`{name}`" in line)
    return any(version in line for line in lines)


@pytest.mark.parametrize("package", PACKAGES)
def test_the_page_of_clients_names_the_version_of_each_package(package: str) -> None:
    name, _, version = PACKAGES[package].removeprefix("npm:").rpartition("@")
    name = name or package
    text = PAGE if name == "@sentry/cli" else section(PAGE, "javascript")

    assert f"`{name}`" in text
    assert version in text.replace(",", " ").replace(";", " ").split()


@pytest.mark.parametrize(("name", "version"), PYTHON)
def test_the_page_of_clients_names_the_version_of_each_python_client(name: str, version: str) -> None:
    assert row(PAGE, name, version)


def test_every_version_of_sentry_cli_counts_and_reads() -> None:
    versions = {value.rpartition("@")[2] for key, value in PACKAGES.items() if "@sentry/cli" in (key + value)}
    assert len(versions) > 1
    for part in ("native-and-others", "readers"):
        assert all(row(section(PAGE, part), "@sentry/cli", version) for version in versions), part
