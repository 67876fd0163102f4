"""What tests do with the stamps under which processes know organizations."""

from __future__ import annotations

from projects.connections import get_store


def settle_changes() -> None:
    """Let what is loaded from now on be kept, and what was kept be loaded anew.

    A test whose transaction is rolled back never ends the changes that it begins.
    """
    get_store().stamps.forget_all()
