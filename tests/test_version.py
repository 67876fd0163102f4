"""The version stands in one module, and everything that shows it shows the same."""

from __future__ import annotations

import re
import shlex
import subprocess

import pytest
from django.test import Client

from statsapi import __version__
from tests.dockerfile import instructions
from tests.servers import ROOT

pytestmark = pytest.mark.once


def test_the_version_is_three_numbers() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)


def test_the_newest_section_of_the_changelog_but_one_is_of_it() -> None:
    """Its newest section is of what is not released, the next one of this version."""
    headings = re.findall(r"^## \[(.*?)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[:2] == ["Unreleased", __version__]


def test_the_openapi_document_has_it(client: Client) -> None:
    assert client.get("/api/schema/").json()["info"]["version"] == __version__


def test_healthz_has_it(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok", "version": __version__}


def test_make_help_has_it() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert f"Version {__version__}\n" in shown


def test_the_image_has_it() -> None:
    """A label belongs to the stage that it stands in, and the last stage is the image."""
    found = instructions((ROOT / "Dockerfile").read_text(encoding="utf-8"))
    last = max(place for place, (name, _) in enumerate(found) if name == "FROM")
    labels = " ".join(rest for name, rest in found[last:] if name == "LABEL")
    assert dict(word.split("=", 1) for word in shlex.split(labels))["org.opencontainers.image.version"] == __version__
