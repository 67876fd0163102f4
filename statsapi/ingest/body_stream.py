"""A body that is read as it comes. No more of it is held than was asked for."""

from __future__ import annotations

from collections.abc import Iterable

NEWLINE = 0x0A


class BodyStream:
    """Lines and stretches of a body that arrives in pieces.

    It holds the rest of one piece and the stretch that is asked for. Exceptions of the pieces pass through.
    """

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._held = b""
        self._at = 0

    def next_byte(self) -> int | None:
        """Return the next byte without taking it, or None at the end."""
        while self._at >= len(self._held):
            piece = next(self._pieces, None)
            if piece is None:
                return None
            self._held, self._at = piece, 0
        return self._held[self._at]

    def newline(self) -> bool:
        """Take a newline, if it is next. Return False if there is another byte, and True at the end."""
        byte = self.next_byte()
        if byte == NEWLINE:
            self._at += 1
        return byte in (NEWLINE, None)

    def only_newlines(self) -> bool:
        """Take newlines up to the end. Return False if there is another byte."""
        while self.next_byte() is not None:
            if self._held.count(b"\n", self._at) < len(self._held) - self._at:
                return False
            self._at = len(self._held)
        return True

    def stretch(self, length: int | None, *, longest: int, kept: int) -> tuple[bytes, int]:
        """Take `length` bytes, or without a length those before the next newline. There are fewer at the end.

        Return the bytes and their number. The bytes are b"" if they are more than `kept`. Stop when they are more than
        `longest`.
        """
        parts: list[bytes] = []
        size, ended = 0, length == 0
        while not ended and size <= longest and self.next_byte() is not None:
            stop = len(self._held)
            if length is None:
                end = self._held.find(b"\n", self._at, self._at + longest - size + 1)
                stop = end if end >= 0 else min(stop, self._at + longest - size + 1)
                ended = end >= 0
            else:
                stop = min(stop, self._at + length - size)
                ended = stop == self._at + length - size
            size += stop - self._at
            if size <= kept:
                parts.append(self._held[self._at : stop])
            self._at = stop
        return (b"".join(parts) if size <= kept else b""), size
