"""Lists that people write as a text: an entry a line, as those of the inbound filters are."""

from __future__ import annotations


def lines_of(text: str) -> list[str]:
    """Return the lines without the blanks around them. Empty lines are left out."""
    return [line.strip() for line in text.splitlines() if line.strip()]
