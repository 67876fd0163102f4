from __future__ import annotations

from pathlib import Path

import pytest

from tests.upgrade.thaw import ThawedVar, thaw


@pytest.fixture
def thawed_var(tmp_path: Path) -> ThawedVar:
    """A folder of the version before the longer memory, with 10 s, 1 h and 1 d; nothing runs on it yet."""
    return thaw(tmp_path)
