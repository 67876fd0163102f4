"""Content encodings, unpacked piece by piece.

A few bytes of input may unpack to gigabytes. The pieces that `unpack` yields are small whatever the input is, so the
reader can stop at a limit of its own. This is how each library is held to that (the versions are pinned):

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
from collections.abc import Callable, Iterable, Iterator

import brotli  # type: ignore[import-untyped]
import zstandard

from statsapi.http.errors import RequestError

PIECE = 64 * 1024
ZSTD_SLICE = 128  # at most 32 blocks of 128 KiB
ZSTD_LARGEST_WINDOW = 8 * 1024 * 1024  # what RFC 8878 asks a decoder to support


def unpack(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Return the unpacked pieces of `chunks`.

    `encoding` is the header Content-Encoding, or "". Raises RequestError 400 if the encoding is unknown or stacked on
    another, and if the data is not in that encoding, ends early or goes on after its end.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return iter(chunks)
    unpacker = _UNPACKERS.get(name)
    if unpacker is None:
        raise _undecodable("expected one of gzip, deflate, br, zstd, identity, and only one")
    return _guarded(unpacker(chunks), name)


def _guarded(pieces: Iterator[bytes], name: str) -> Iterator[bytes]:
    try:
        yield from pieces
    except (zlib.error, brotli.error, zstandard.ZstdError, EOFError) as error:
        raise _undecodable(f"{name}: {error}") from None


def _undecodable(cause: str) -> RequestError:
    return RequestError(400, "failed to decode request body", [cause], "invalid_body")


def _gzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    return _inflate(chunks, 16 + zlib.MAX_WBITS)


def _deflate(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Unpack zlib's format, which is `deflate` by the standard, or raw deflate, which some clients send.

    The first byte tells them apart. A zlib header begins with a byte whose low half is 8. In raw deflate that would be
    a stored block with a padding bit set, which no encoder writes.
    """
    iterator = iter(chunks)
    first = next(iterator, b"")
    is_zlib = first[:1] == b"" or first[0] & 0x0F == 8
    return _inflate(_prefixed(first, iterator), zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS)


def _prefixed(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _inflate(chunks: Iterable[bytes], window_bits: int) -> Iterator[bytes]:
    inflater = zlib.decompressobj(window_bits)
    for chunk in chunks:
        if inflater.eof and chunk:
            raise EOFError("bytes after the end")
        data = chunk
        while data:
            piece = inflater.decompress(data, PIECE)
            if piece:
                yield piece
            data = inflater.unconsumed_tail
        if inflater.unused_data:
            raise EOFError("bytes after the end")
    yield inflater.flush()
    if not inflater.eof:
        raise EOFError("ends early")


def _brotli(chunks: Iterable[bytes]) -> Iterator[bytes]:
    decompressor = brotli.Decompressor()
    for chunk in chunks:
        if decompressor.is_finished() and chunk:
            raise EOFError("bytes after the end")
        piece: bytes = decompressor.process(chunk, output_buffer_limit=PIECE)
        while piece:
            yield piece
            if decompressor.is_finished():
                break
            piece = decompressor.process(b"", output_buffer_limit=PIECE)
    if not decompressor.is_finished():
        raise EOFError("ends early")


def _zstd(chunks: Iterable[bytes]) -> Iterator[bytes]:
    decompressor = zstandard.ZstdDecompressor(max_window_size=ZSTD_LARGEST_WINDOW).decompressobj()
    for chunk in chunks:
        for start in range(0, len(chunk), ZSTD_SLICE):
            if decompressor.eof:
                raise EOFError("bytes after the end")
            piece = decompressor.decompress(chunk[start : start + ZSTD_SLICE])
            if piece:
                yield piece
        if decompressor.unused_data:
            raise EOFError("bytes after the end")
    if not decompressor.eof:
        raise EOFError("ends early")


_UNPACKERS: dict[str, Callable[[Iterable[bytes]], Iterator[bytes]]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
