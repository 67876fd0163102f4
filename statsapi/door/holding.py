"""A bound on the memory that the bodies of all requests take together while they are held."""

from __future__ import annotations

SHORT = 64 * 1024
"""A request may always hold so many bytes."""
MOST_HELD = 64 * 1024 * 1024
"""The most bytes that requests hold together if one of them is to hold more than SHORT."""


class TooManyBodies(Exception):
    """The bodies that are held take too much memory."""


_all = 0


class Held:
    """The bytes that one request holds. They count until `release`."""

    __slots__ = ("_bytes",)

    def __init__(self) -> None:
        self._bytes = 0

    def now(self, size: int) -> None:
        """Say how many bytes the request holds by now. Raises TooManyBodies."""
        global _all
        _all += size - self._bytes
        self._bytes = size
        if size > SHORT and _all > MOST_HELD:
            raise TooManyBodies

    def release(self) -> None:
        """Say that the request holds nothing any more."""
        global _all
        _all -= self._bytes
        self._bytes = 0
