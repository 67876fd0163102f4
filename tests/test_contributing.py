"""CONTRIBUTING.md names paths and names that exist, and every folder of a package."""

from __future__ import annotations

import re

import pytest

from tests.docs.markdown import code_spans
from tests.servers import ROOT

pytestmark = pytest.mark.once
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PACKAGES = ("statsapi", "projects", "tsdb")
NAMED = sorted(set(re.findall(rf"`((?:{'|'.join(PACKAGES)}|tests|docs|benchmarks)/[\w./-]*)", CONTRIBUTING)))
"""Paths in the text, from the root of the repository."""


def test_every_path_that_is_named_exists() -> None:
    assert NAMED
    assert [path for path in NAMED if not (ROOT / path).exists()] == []


def test_every_name_that_code_has_exists() -> None:
    names = {span for span in code_spans(CONTRIBUTING) if re.fullmatch(r"[A-Za-z_]\w*", span)} - set(PACKAGES)
    code = "\n".join(
        file.read_text(encoding="utf-8") for folder in (*PACKAGES, "tests") for file in (ROOT / folder).rglob("*.py")
    )
    words = set(re.findall(r"\w+", code + (ROOT / "pyproject.toml").read_text(encoding="utf-8")))
    assert {"ROUTES", "command_errors"} <= names
    assert sorted(names - words) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_the_map_names_every_folder_of_a_package(package: str) -> None:
    folders = {file.parent.relative_to(ROOT).as_posix() for file in (ROOT / package).glob("*/*.py")}
    assert [folder for folder in sorted(folders) if f"`{folder}/" not in CONTRIBUTING] == []
