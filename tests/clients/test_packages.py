"""The cache in which every clone finds the clients for JavaScript."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path

import pytest

from tests.clients import packages
from tests.servers import Missing

pytestmark = pytest.mark.once


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the cache, which is empty."""
    try:
        packages.node()
    except Missing as missing:
        pytest.skip(str(missing))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "statsapi-tests"


def installed(clone: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install in a clone whose package-lock.json has this name and no packages, and return where its modules lie."""
    clone.mkdir(exist_ok=True)
    package = {"name": name, "version": "1.0.0"}
    (clone / "package.json").write_text(json.dumps(package))
    lock = {**package, "lockfileVersion": 3, "packages": {"": package}}
    (clone / "package-lock.json").write_text(json.dumps(lock))
    monkeypatch.setattr(packages, "FOLDER", clone)
    monkeypatch.setattr(packages, "MODULES", clone / "node_modules")
    packages.install()
    return (clone / "node_modules").readlink().parent


def test_clones_share_what_the_same_lock_file_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = installed(tmp_path / "first", "one", monkeypatch)
    (first / "mark").touch()

    assert installed(tmp_path / "second", "one", monkeypatch) == first
    assert (first / "mark").exists()  # it was not installed again
    assert installed(tmp_path / "second", "two", monkeypatch) != first
    assert first.exists()  # the first clone still uses it


def test_what_nobody_used_for_long_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    old = installed(tmp_path / "clone", "one", monkeypatch)
    os.utime(old, (0, 0))
    new = installed(tmp_path / "clone", "two", monkeypatch)

    assert set(cache.glob("node-*")) == {new}


def test_an_installation_that_broke_off_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    half = cache / f"installing-node-{platform.machine()}"
    (half / "node_modules" / "half").mkdir(parents=True)

    made = installed(tmp_path / "clone", "one", monkeypatch)
    assert sorted(path.name for path in made.iterdir()) == ["package-lock.json", "package.json"]
    assert not half.exists()
