"""The files of others that are committed are those that the script names which brings them."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.servers import ROOT

pytestmark = pytest.mark.once

SCRIPT = (ROOT / "vendor/uplot.sh").read_text(encoding="utf-8")
FOLDER = ROOT / re.findall(r"^FOLDER=(\S+)$", SCRIPT, re.MULTILINE)[0]


def test_the_files_of_uplot_are_those_that_the_script_names_and_no_others() -> None:
    named = {name: digest for digest, name in re.findall(r"^([0-9a-f]{64})  (\S+)$", SCRIPT, re.MULTILINE)}
    assert "LICENSE" in named
    assert named == {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in FOLDER.iterdir()}


def test_the_version_stands_in_one_place_and_is_the_one_that_the_file_has() -> None:
    (version,) = re.findall(r"^VERSION=(\S+)$", SCRIPT, re.MULTILINE)
    assert f"(v{version}) */" in (FOLDER / "uPlot.iife.min.js").read_text(encoding="utf-8")


def test_the_license_is_that_of_uplot() -> None:
    assert re.search(r"The MIT License.*Copyright .* Leon Sorokin", (FOLDER / "LICENSE").read_text(), re.DOTALL)


def test_an_archive_that_was_tampered_with_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    npm = tmp_path / "npm"
    npm.write_text('#!/bin/sh\nfor word; do last=$word; done\necho evil >"$4/uplot-${last#uplot@}.tgz"\n')
    npm.chmod(0o755)
    before = {file.name: file.read_bytes() for file in FOLDER.iterdir()}
    done = subprocess.run(
        [ROOT / "vendor/uplot.sh"],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "is not what was expected: its hash is sha512-" in done.stderr
    assert {file.name: file.read_bytes() for file in FOLDER.iterdir()} == before
