"""A body that is read as it comes, of which no more is held than somebody asked for."""

from __future__ import annotations

from collections.abc import Iterable

NEWLINE = 0x0A


class BodyStream:
    """Lines and stretches of a body that arrives in pieces.

    What is held is the rest of a piece and what is being asked for; what is passed over is held nowhere. Whatever the
    pieces raise comes through.
    """

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._held = b""
        self._at = 0

    def next_byte(self) -> int | None:
        """The next byte, which is not taken; None at the end."""
        while self._at >= len(self._held):
            piece = next(self._pieces, None)
            if piece is None:
                return None
            self._held, self._at = piece, 0
        return self._held[self._at]

    def newline(self) -> bool:
        """Takes a newline, or finds the end; False: there is something else."""
        byte = self.next_byte()
        if byte == NEWLINE:
            self._at += 1
        return byte in (NEWLINE, None)

    def only_newlines(self) -> bool:
        """Takes everything up to the end, as long as it is newlines."""
        while self.next_byte() is not None:
            if self._held.count(b"\n", self._at) < len(self._held) - self._at:
                return False
            self._at = len(self._held)
        return True

    def stretch(self, length: int | None, *, longest: int, kept: int) -> tuple[bytes, int]:
        """`length` bytes or, without it, those before the next newline, which is not taken; fewer at the end.

        Returns the bytes, b"" where they are more than `kept`, and how many they are. Stops after more than `longest`.
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
