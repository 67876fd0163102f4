"""The locked requirements: they agree with what is asked for, have hashes, and name no place to get them from."""

from __future__ import annotations

import re

import pytest

from tests.servers import ROOT

pytestmark = pytest.mark.once
CLIENTS = sorted(str(file.relative_to(ROOT).with_suffix("")) for file in ROOT.glob("tests/clients/python/*.in"))
NAMES = ["requirements", "requirements-dev", *CLIENTS]
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)(.*)$", re.MULTILINE)


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def pins(name: str) -> dict[str, str]:
    """The versions of a file by the normalized names of their packages."""
    return {re.sub(r"[-_.]+", "-", match[1]).lower(): match[2] for match in _PIN.finditer(text(name))}


@pytest.mark.parametrize("name", NAMES)
def test_what_is_asked_for_is_locked_at_the_same_version(name: str) -> None:
    asked, locked = pins(f"{name}.in"), pins(f"{name}.txt")
    assert asked
    assert {package: locked.get(package) for package in asked} == asked, "run `make lock`"


@pytest.mark.parametrize("name", NAMES)
def test_every_line_of_what_is_asked_for_is_a_pin(name: str) -> None:
    lines = [line for line in text(f"{name}.in").splitlines() if line and not line.startswith(("#", "-c "))]
    assert [line for line in lines if not _PIN.fullmatch(line)] == []


@pytest.mark.parametrize("name", NAMES)
def test_everything_that_is_locked_has_hashes(name: str) -> None:
    blocks = re.split(r"^(?=\S)", re.sub(r"^ *#.*\n", "", text(f"{name}.txt"), flags=re.MULTILINE), flags=re.MULTILINE)
    assert [block for block in blocks if block and "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("name", NAMES)
def test_what_is_locked_names_neither_a_registry_nor_a_folder(name: str) -> None:
    assert re.findall(r"://|--index|--extra-index|--find-links|--trusted-host|(?<![\w.])/\w", text(f"{name}.txt")) == []


def test_tests_run_on_the_versions_that_the_service_has() -> None:
    service, tests = pins("requirements.txt"), pins("requirements-dev.txt")
    both = set(service) & set(tests)
    assert {name: tests[name] for name in both} == {name: service[name] for name in both}
