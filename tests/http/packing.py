"""Bodies packed in each encoding, and bombs."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import brotli  # type: ignore[import-untyped]
import zstandard


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


PACKERS = {
    "": bytes,
    "identity": bytes,
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}
COMPRESSIONS = ["gzip", "deflate", "br", "zstd"]


def bomb(encoding: str, megabytes: int) -> bytes:
    """Return so many megabytes of zeros, packed without holding them."""
    packer: Any
    if encoding == "br":
        packer = brotli.Compressor(quality=2)
        compress, finish = packer.process, packer.finish
    else:
        packers: dict[str, Callable[[], Any]] = {
            "gzip": partial(zlib.compressobj, 9, wbits=31),
            "deflate": partial(zlib.compressobj, 9),
            "zstd": zstandard.ZstdCompressor(level=19).compressobj,
        }
        packer = packers[encoding]()
        compress, finish = packer.compress, packer.flush
    return b"".join([*(compress(bytes(2**20)) for _ in range(megabytes)), finish()])


def zstd_of_run_length_blocks(count: int) -> bytes:
    """Return the densest zstd frame: blocks of 4 bytes, each of which is a run of 128 KiB."""
    frame_header = b"\x28\xb5\x2f\xfd" + bytes([0x00, 0x38])  # no content size; a window of 128 KiB
    block = (128 * 1024 << 3 | 1 << 1).to_bytes(3, "little") + b"\x00"
    last = (128 * 1024 << 3 | 1 << 1 | 1).to_bytes(3, "little") + b"\x00"
    return frame_header + block * (count - 1) + last
