"""Content encodings, unpacked piece by piece, without I/O: packed bytes are fed in, and unpacked bytes come out.

A few bytes of input may unpack to gigabytes. The pieces that come out are small whatever the input is, so the reader
can stop at a limit of its own. This is how each library is held to that (the versions are pinned):

- zlib: `decompress(data, max_length)`. The rest waits in `unconsumed_tail`.
- brotli 1.2.1: `process(data, output_buffer_limit)`, then `process(b"")` for as long as something comes out. A piece
  may exceed the limit by one block of brotli's buffer. The window is at most 16 MiB.
- zstandard 0.25.0 has no output limit that also tells a truncated frame from a whole one. It gets slices that are so
  short that even one of nothing but run-length blocks (4 bytes for 128 KiB) unpacks to little. The window is capped.

A body is one compressed stream. gzip and zstd allow more members after the first, and these are refused as trailing
bytes. No SDK sends them, and a body of a million empty members would cost more to set up than to unpack.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

import brotli  # type: ignore[import-untyped]
import zstandard

from statsapi.http.errors import RequestError

PIECE = 64 * 1024
ZSTD_SLICE = 128  # at most 32 blocks of 128 KiB
ZSTD_LARGEST_WINDOW = 8 * 1024 * 1024  # what RFC 8878 asks a decoder to support

_FAILURES = (zlib.error, brotli.error, zstandard.ZstdError, EOFError)


class Unpacker:
    """Unpacks one body. `encoding` is its header Content-Encoding, or "".

    Raises RequestError 400 if the encoding is unknown or stacked on another. What `feed` returns is unpacked while it
    is iterated, so it must be iterated to its end before the next call. That raises RequestError 400 if the data is not
    in the encoding, or goes on after its end.
    """

    __slots__ = ("_format", "_name")

    def __init__(self, encoding: str) -> None:
        self._name = encoding.strip().lower()
        self._format: _Format | None = None
        if self._name in ("", "identity"):
            return
        make = _FORMATS.get(self._name)
        if make is None:
            raise _undecodable("expected one of gzip, deflate, br, zstd, identity, and only one")
        self._format = make()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Return the pieces that come out when `data` goes in. None is empty."""
        if not data:
            return iter(())
        return _guarded(self._format.feed(data), self._name) if self._format else iter((data,))

    def end(self) -> Iterator[bytes]:
        """Return the last pieces, after all data was fed. Raises RequestError 400 if the data ends early."""
        if self._format is None:
            return iter(())
        try:
            rest = self._format.end()
        except _FAILURES as error:
            raise _undecodable(f"{self._name}: {error}") from None
        return iter((rest,)) if rest else iter(())


def _guarded(pieces: Iterator[bytes], name: str) -> Iterator[bytes]:
    try:
        yield from pieces
    except _FAILURES as error:
        raise _undecodable(f"{name}: {error}") from None


def _undecodable(cause: str) -> RequestError:
    return RequestError(400, "failed to decode request body", [cause], "invalid_body")


class _Format(Protocol):
    """One encoding. `feed` gets at least one byte. `end` returns what is left, little or nothing.

    Both raise an error of the library, or EOFError if the data ends early or goes on after its end.
    """

    def feed(self, data: bytes, /) -> Iterator[bytes]: ...
    def end(self) -> bytes: ...


class _Inflate:
    """gzip with its window bits, or deflate with None.

    `deflate` is zlib's format by the standard, but some clients send raw deflate. The first byte tells them apart. A
    zlib header begins with a byte whose low half is 8. In raw deflate that would be a stored block with a padding bit
    set, which no encoder writes.
    """

    def __init__(self, window_bits: int | None) -> None:
        self._inflater = None if window_bits is None else zlib.decompressobj(window_bits)

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._inflater is None:
            self._inflater = zlib.decompressobj(zlib.MAX_WBITS if data[0] & 0x0F == 8 else -zlib.MAX_WBITS)
        if self._inflater.eof:
            raise EOFError("bytes after the end")
        while data:
            piece = self._inflater.decompress(data, PIECE)
            if piece:
                yield piece
            data = self._inflater.unconsumed_tail
        if self._inflater.unused_data:
            raise EOFError("bytes after the end")

    def end(self) -> bytes:
        if self._inflater is None:
            raise EOFError("ends early")
        rest = b"" if self._inflater.eof else self._inflater.flush()
        if not self._inflater.eof:
            raise EOFError("ends early")
        return rest


class _Brotli:
    def __init__(self) -> None:
        self._decompressor = brotli.Decompressor()

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._decompressor.is_finished():
            raise EOFError("bytes after the end")
        piece: bytes = self._decompressor.process(data, output_buffer_limit=PIECE)
        while piece:
            yield piece
            if self._decompressor.is_finished():
                break
            piece = self._decompressor.process(b"", output_buffer_limit=PIECE)

    def end(self) -> bytes:
        if not self._decompressor.is_finished():
            raise EOFError("ends early")
        return b""


class _Zstd:
    def __init__(self) -> None:
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=ZSTD_LARGEST_WINDOW).decompressobj()

    def feed(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), ZSTD_SLICE):
            if self._decompressor.eof:
                raise EOFError("bytes after the end")
            piece = self._decompressor.decompress(data[start : start + ZSTD_SLICE])
            if piece:
                yield piece
        if self._decompressor.unused_data:
            raise EOFError("bytes after the end")

    def end(self) -> bytes:
        if not self._decompressor.eof:
            raise EOFError("ends early")
        return b""


def _gzip() -> _Format:
    return _Inflate(16 + zlib.MAX_WBITS)


_FORMATS: dict[str, Callable[[], _Format]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": lambda: _Inflate(None),
    "br": _Brotli,
    "zstd": _Zstd,
}
