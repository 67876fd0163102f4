"""A way to give the services another store than the one of the process."""

from __future__ import annotations

import sys

import pytest

from projects.connections import get_store
from tsdb.store import Store


def use_store(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    """Make every service reach Redis through `store`, until the patch is undone. The API keeps its own store."""
    users = [
        module
        for name, module in sys.modules.items()
        if name.startswith("projects.services") and vars(module).get("get_store") is get_store
    ]
    assert users
    for module in users:
        monkeypatch.setattr(module, "get_store", lambda: store)
