"""CONTRIBUTING.md names functions, classes and constants that exist."""

from __future__ import annotations

import re

import pytest

from tests.docs.markdown import code_spans
from tests.servers import ROOT

pytestmark = pytest.mark.once
PACKAGES = ("statsapi", "projects", "tsdb")


def test_every_name_that_code_has_exists() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    names = {span for span in code_spans(page) if re.fullmatch(r"[A-Za-z_]\w*", span)} - set(PACKAGES)
    files = [file for folder in (*PACKAGES, "tests") for file in (ROOT / folder).rglob("*.py")]
    code = "\n".join(file.read_text(encoding="utf-8") for file in [*files, ROOT / "pyproject.toml"])
    assert {"ROUTES", "command_errors"} <= names
    assert sorted(names - set(re.findall(r"\w+", code))) == []
