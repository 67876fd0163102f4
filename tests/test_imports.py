"""Rules of imports that the contracts of import-linter in pyproject.toml cannot express."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.servers import ROOT

pytestmark = pytest.mark.once

PACKAGES = ("statsapi", "projects", "tsdb")
AFTER_DJANGO_IS_SET_UP = {"statsapi.apps", "statsapi.start.local", "statsapi.start.container"}
"""Modules with imports of our own in functions, since models cannot be imported before Django is set up."""
MADE_BY_BEING_IMPORTED = "statsapi.asgi"
"""The application. A worker makes it by importing this module, when it is ready to serve."""


class Import(NamedTuple):
    module: str
    """The full name of what is imported: projects.services for `from projects import services`."""
    in_function: bool


def module_name(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(file): file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))}


def imports(file: Path) -> Iterator[Import]:
    tree = ast.parse(file.read_text(encoding="utf-8"), str(file))
    inside = {
        node
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node in inside)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are written in full"
            assert node.module
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield Import(full if full in FILES else node.module, node in inside)


def test_there_is_something_to_look_at() -> None:
    assert {"tsdb.store", "projects.services", "statsapi.settings", "statsapi.api.urls"} <= set(FILES)
    assert Import("tsdb.rollups", False) in set(imports(FILES["statsapi.settings"]))


def test_import_linter_sees_every_module() -> None:
    """import-linter passes over a folder without `__init__.py`."""
    assert not {str(file) for file in FILES.values() if not (file.parent / "__init__.py").exists()}


def test_tsdb_imports_the_standard_library_and_redis_alone() -> None:
    wrong = {
        (name, root)
        for name, file in FILES.items()
        if name.startswith("tsdb")
        for root in (found.module.partition(".")[0] for found in imports(file))
        if root not in sys.stdlib_module_names and root not in ("hiredis", "redis", "tsdb")
    }
    assert not wrong


def test_no_import_stands_in_a_function_to_dodge_a_circle() -> None:
    wrong = {
        (name, found.module)
        for name, file in FILES.items()
        if name not in AFTER_DJANGO_IS_SET_UP
        for found in imports(file)
        if found.in_function and found.module.partition(".")[0] in PACKAGES and found.module != MADE_BY_BEING_IMPORTED
    }
    assert not wrong


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = {
        name: {found.module for found in imports(file) if found.module in FILES and not found.in_function}
        for name, file in FILES.items()
    }
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle
