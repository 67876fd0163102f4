"""CONTRIBUTING.md names what exists, and the README every command."""

from __future__ import annotations

import re

import pytest

from tests.servers import ROOT

pytestmark = pytest.mark.once
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PACKAGES = ("statsapi", "projects", "tsdb")
NAMED = sorted(set(re.findall(rf"`((?:{'|'.join(PACKAGES)}|tests|docs|benchmarks)/[\w./-]*)", CONTRIBUTING)))
"""Paths in the text, from the root of the repository."""


def test_every_path_that_is_named_exists() -> None:
    assert NAMED
    assert [path for path in NAMED if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_the_map_names_every_folder_of_a_package(package: str) -> None:
    folders = {file.parent.relative_to(ROOT).as_posix() for file in (ROOT / package).glob("*/*.py")}
    assert [folder for folder in sorted(folders) if f"`{folder}/" not in CONTRIBUTING] == []


def test_the_readme_names_every_command() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = {file.stem for file in (ROOT / "projects/management/commands").glob("*.py")} - {"__init__"}
    assert {command for command in commands if f"manage.py {command}" not in readme} == set()
