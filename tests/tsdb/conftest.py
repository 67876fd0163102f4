from __future__ import annotations

import pytest

from tests.tsdb.tools import TINY
from tsdb.store import Store


@pytest.fixture
def tiny(store: Store) -> Store:
    """A store with tiny rings, in which projects 7 and 8 are open."""
    store = Store(store.clients, TINY)
    store.open(7)
    store.open(8)
    return store
