"""Bodies that are small when they are sent and giant when they are unpacked."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from typing import Any

import brotli  # type: ignore[import-untyped]
import zstandard

MEGABYTE = 2**20
ENCODINGS = ("gzip", "deflate", "br", "zstd")


def zeros(megabytes: int) -> list[bytes]:
    return [bytes(MEGABYTE)] * megabytes


def attachment(megabytes: int, noise: bytes = b"x" * MEGABYTE) -> list[bytes]:
    """Return an item of so many megabytes, in pieces."""
    return [b'{"type":"attachment","length":%d}\n' % (megabytes * MEGABYTE), *([noise] * megabytes), b"\n"]


def pack(encoding: str, pieces: Iterable[bytes]) -> bytes:
    packers: dict[str, Callable[[], Any]] = {
        "gzip": lambda: zlib.compressobj(1, wbits=31),
        "deflate": lambda: zlib.compressobj(1),
        "br": lambda: brotli.Compressor(quality=2),
        "zstd": lambda: zstandard.ZstdCompressor().compressobj(),
    }
    packer = packers[encoding]()
    compress, finish = (packer.process, packer.finish) if encoding == "br" else (packer.compress, packer.flush)
    return b"".join([*map(compress, pieces), finish()])
