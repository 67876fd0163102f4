"""The documentation and all that cites it: every page, anchor, file and test that is named exists."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.docs.citations import (
    broken_citations,
    broken_links,
    cited_by_number,
    missing_files,
    missing_files_in_code,
    missing_modules,
)
from tests.docs.pages import FOLDERS, documentation, texts
from tests.servers import ROOT

pytestmark = pytest.mark.once

WRONG_ON_PURPOSE = "tests/docs/test_citations.py"


def exists(path: str) -> bool:
    return (ROOT / path).exists()


def expect_none(wrong: Iterable[str]) -> None:
    """Fail with one line for each thing that is wrong."""
    lines = list(wrong)
    if lines:
        pytest.fail("\n".join(lines), pytrace=False)


def that_cite() -> dict[str, str]:
    """Return the texts whose citations have to be right: all of them but the examples of the rules."""
    return {name: text for name, text in texts().items() if name != WRONG_ON_PURPOSE}


def test_there_are_pages_code_and_scripts_to_look_at() -> None:
    assert {"README.md", "CONTRIBUTING.md", "docs/contract.md", "docs/reliability.md"} <= set(documentation())
    assert {"Makefile", "statsapi/settings.py", "tsdb/lua/intake.lua", "tests/conftest.py"} <= set(texts())
    assert len(documentation()["docs/reliability.md"]) > 10_000


def test_every_link_leads_to_a_file_and_an_anchor() -> None:
    expect_none(broken_links(documentation(), exists))


def test_every_citation_leads_to_a_page_and_an_anchor() -> None:
    expect_none(broken_citations(that_cite()))


def test_nobody_cites_by_number() -> None:
    expect_none(cited_by_number(that_cite()))


def test_every_file_and_test_that_a_page_names_exists() -> None:
    expect_none(missing_files(documentation(), texts(), FOLDERS, exists))


def test_every_file_that_code_names_exists() -> None:
    code = {name: text for name, text in that_cite().items() if not name.endswith(".md")}
    expect_none(missing_files_in_code(code, FOLDERS, exists))


def test_every_module_in_a_command_exists() -> None:
    expect_none(missing_modules(documentation(), FOLDERS, exists))
