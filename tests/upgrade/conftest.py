"""Fixtures of the tests of an upgrade."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.upgrade.thaw import ThawedVar, thaw


@pytest.fixture
def thawed_var(tmp_path: Path) -> ThawedVar:
    """A var/ of the version that had only 10 s, 1 h and 1 d. No server runs on it yet."""
    return thaw(tmp_path)
