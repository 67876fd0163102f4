"""The files of the repository that hold documentation, or cite it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.servers import ROOT

FOLDERS = ("benchmarks", "docs", "projects", "statsapi", "tests", "tsdb")
"""Folders at the top of the repository that hold its own files."""
_TEXTS = {".css", ".conf", ".html", ".lua", ".md", ".mjs", ".cjs", ".py", ".toml", ".txt", ".yml"}
_LEFT_OUT = {"node_modules", "__pycache__"}


def files() -> Iterator[Path]:
    """Yield every text file of the repository: pages, code, tests, scripts, and the files at its top."""
    for path in sorted(ROOT.iterdir()):
        if path.is_file() and (path.suffix in _TEXTS or path.name in ("Makefile", "Dockerfile", ".env.example")):
            yield path
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in _TEXTS and not _LEFT_OUT & set(path.parts):
                yield path


def name_of(path: Path) -> str:
    """Return the path within the repository, such as `docs/contract.md`."""
    return path.relative_to(ROOT).as_posix()


@cache
def texts() -> dict[str, str]:
    """Return the text of every file by its path within the repository."""
    return {name_of(path): path.read_text(encoding="utf-8") for path in files()}


def documentation() -> dict[str, str]:
    """Return the text of every Markdown page by its path within the repository."""
    return {name: text for name, text in texts().items() if name.endswith(".md")}
