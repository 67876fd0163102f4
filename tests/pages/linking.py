"""The addresses of a public link."""

from __future__ import annotations


def picture_of(path: str) -> str:
    """Return the path of the picture of a link."""
    return f"{path.removesuffix('/')}.svg"
