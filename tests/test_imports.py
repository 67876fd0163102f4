"""Imports run one way: statsapi -> projects -> tsdb."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.servers import ROOT

MAY_USE = {"tsdb": {"tsdb"}, "projects": {"projects", "tsdb"}, "statsapi": {"statsapi", "projects", "tsdb"}}
HTTP = {"http", "urllib", "wsgiref", "socketserver", "xmlrpc", "django", "rest_framework", "granian"}
AFTER_DJANGO_IS_SET_UP = {"statsapi.apps", "statsapi.start.local", "statsapi.start.container"}
"""Where an import of our own stands in a function, since models cannot be imported any earlier."""
MADE_BY_BEING_IMPORTED = "statsapi.wsgi"
"""The application, which a worker makes when it is ready to."""


class Import(NamedTuple):
    module: str
    """As full as can be: of `from projects import services` it is projects.services."""
    in_function: bool


def module_name(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(file): file for package in MAY_USE for file in sorted((ROOT / package).rglob("*.py"))}


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


def outside(package: str) -> Iterator[tuple[str, str]]:
    for name, file in FILES.items():
        if name.partition(".")[0] == package:
            for found in imports(file):
                yield name, found.module.partition(".")[0]


def test_there_is_something_to_look_at() -> None:
    assert {"tsdb.store", "projects.services", "statsapi.settings", "statsapi.api.urls"} <= set(FILES)
    assert Import("tsdb.rollups", False) in set(imports(FILES["statsapi.settings"]))


@pytest.mark.parametrize("package", MAY_USE)
def test_imports_run_one_way(package: str) -> None:
    wrong = {(name, root) for name, root in outside(package) if root in FILES and root not in MAY_USE[package]}
    assert not wrong
    assert not {(name, root) for name, root in outside(package) if root in ("tests", "benchmarks")}


def test_tsdb_knows_neither_django_nor_http() -> None:
    wrong = {
        (name, root)
        for name, root in outside("tsdb")
        if root in HTTP or (root not in sys.stdlib_module_names and root not in ("redis", "tsdb"))
    }
    assert not wrong


def test_projects_knows_nothing_of_the_apis_framework() -> None:
    assert not {(name, root) for name, root in outside("projects") if root in ("rest_framework", "drf_spectacular")}


def test_no_import_stands_in_a_function_to_dodge_a_circle() -> None:
    wrong = {
        (name, found.module)
        for name, file in FILES.items()
        if name not in AFTER_DJANGO_IS_SET_UP
        for found in imports(file)
        if found.in_function and found.module.partition(".")[0] in MAY_USE and found.module != MADE_BY_BEING_IMPORTED
    }
    assert not wrong


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = {
        name: {found.module for found in imports(file) if found.module in FILES and not found.in_function}
        for name, file in FILES.items()
    }
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle
