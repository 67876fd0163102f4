"""The files of GitHub, pre-commit and the tools name the same Pythons and the same ruff."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
import yaml

from tests.servers import ROOT

pytestmark = pytest.mark.once


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


CI: dict[str, Any] = yaml.safe_load(text(".github/workflows/ci.yml"))
MATRIX: list[str] = CI["jobs"]["everything"]["strategy"]["matrix"]["python"]
TOOLS: dict[str, Any] = tomllib.loads(text("pyproject.toml"))["tool"]


def minor(version: str) -> int:
    """15 for "3.15"."""
    major, _, found = version.partition(".")
    assert major == "3"
    return int(found)


def test_ci_runs_on_every_python_from_the_oldest_that_the_readme_names() -> None:
    named = re.search(r"You need Python (3\.\d+) or later", text("README.md"))
    assert named
    assert MATRIX[0] == named[1]
    assert [minor(version) for version in MATRIX] == list(range(minor(MATRIX[0]), minor(MATRIX[-1]) + 1))


def test_the_tools_check_for_the_oldest_python() -> None:
    oldest = minor(MATRIX[0])
    assert TOOLS["ruff"]["target-version"] == f"py3{oldest}"
    assert TOOLS["mypy"]["python_version"] == f"3.{oldest}"
    assert f"sys.version_info < (3, {oldest})" in text("Makefile")


def test_the_python_of_the_image_is_one_that_ci_runs() -> None:
    images = re.findall(r"^FROM python:(3\.\d+)-slim", text("Dockerfile"), re.MULTILINE)
    assert images
    assert set(images) <= set(MATRIX)


@pytest.mark.parametrize("job", CI["jobs"])
def test_every_job_runs_the_one_script_with_its_python(job: str) -> None:
    (step,) = (step for step in CI["jobs"][job]["steps"] if ".ci/run" in step.get("run", ""))
    image = CI["jobs"][job]["container"]["image"]
    assert image == f"{step['env']['PYTHON'].replace('python', 'python:', 1)}-bookworm"


def test_pre_commit_runs_the_ruff_of_make_lint() -> None:
    repositories = yaml.safe_load(text(".pre-commit-config.yaml"))["repos"]
    (rev,) = (repository["rev"] for repository in repositories if "ruff" in repository["repo"])
    assert f"\nruff=={rev.removeprefix('v')}\n" in text("requirements-dev.in")


def test_the_hooks_of_our_own_are_commands_of_make_lint() -> None:
    repositories = yaml.safe_load(text(".pre-commit-config.yaml"))["repos"]
    (hooks,) = (repository["hooks"] for repository in repositories if repository["repo"] == "local")
    for hook in hooks:
        assert f"\t{hook['entry'].replace('.venv', '$(VENV)')}\n" in text("Makefile")


def test_dependabot_looks_where_requirements_stand() -> None:
    updates = yaml.safe_load(text(".github/dependabot.yml"))["updates"]
    for update in updates:
        assert (ROOT / update["directory"].lstrip("/")).is_dir()
    assert {update["package-ecosystem"] for update in updates} >= {"pip", "docker", "github-actions", "npm"}
