"""CONTRIBUTING.md names functions, classes and constants that exist."""

from __future__ import annotations

import re

import pytest

from tests.docs.markdown import code_spans
from tests.docs.pages import texts
from tests.servers import ROOT

pytestmark = pytest.mark.once
PACKAGES = ("statsapi", "projects", "tsdb")


def test_every_name_that_code_has_exists() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    names = {span for span in code_spans(page) if re.fullmatch(r"[A-Za-z_]\w*", span)} - set(PACKAGES)
    code = "\n".join(text for name, text in texts().items() if name.endswith((".py", ".toml")))
    assert {"ROUTES", "command_errors"} <= names
    assert sorted(names - set(re.findall(r"\w+", code))) == []
