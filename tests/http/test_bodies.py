from __future__ import annotations

import gzip
import io
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from statsapi.http.bodies import read_body
from statsapi.http.errors import BodyLimit, RequestError
from tests.http.packing import COMPRESSIONS, PACKERS, bomb, raw_deflate, zstd_of_run_length_blocks
from tests.ingest.bounds import status_of

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[2]
SENT = BodyLimit("SENT_SETTING", 1000)
UNPACKED = BodyLimit("UNPACKED_SETTING", 5000)
TEXT = b'{}\n{"type":"session"}\n{}\n' * 20


class Trickle(io.BytesIO):
    """A client that sends one byte for each read, and counts what was taken."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(1)


def environ(data: bytes, encoding: str | None = None, /, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"wsgi.input": io.BytesIO(data), "CONTENT_LENGTH": str(len(data)), **more}
    if encoding is not None:
        found["HTTP_CONTENT_ENCODING"] = encoding
    return found


def read(data: bytes, encoding: str | None = None, /, **more: Any) -> bytes:
    return read_body(environ(data, encoding, **more), sent=SENT, unpacked=UNPACKED)


def refusal(request: dict[str, Any], sent: BodyLimit = SENT) -> RequestError:
    with pytest.raises(RequestError) as error:
        read_body(request, sent=sent, unpacked=UNPACKED)
    return error.value


@pytest.mark.parametrize("encoding", PACKERS)
def test_each_encoding_is_unpacked(encoding: str) -> None:
    packed = PACKERS[encoding](TEXT)
    assert read(packed, encoding) == TEXT
    assert read(packed, f" {encoding.upper()} ") == TEXT


def test_deflate_is_also_taken_without_the_header_of_zlib() -> None:
    assert read(raw_deflate(TEXT), "deflate") == TEXT
    assert read(raw_deflate(b""), "deflate") == b""


@pytest.mark.parametrize("encoding", COMPRESSIONS)
def test_a_body_that_arrives_byte_by_byte_is_unpacked(encoding: str) -> None:
    packed = PACKERS[encoding](TEXT)
    assert read(packed, encoding, **{"wsgi.input": Trickle(packed)}) == TEXT


@pytest.mark.parametrize("encoding", ["gzip, gzip", "gzip,identity", "compress", "aes128gcm", "gzip;q=1", "\x00"])
def test_stacked_and_unknown_encodings_are_400(encoding: str) -> None:
    error = refusal(environ(gzip.compress(gzip.compress(TEXT)), encoding))
    assert (error.status, error.detail) == (400, "failed to decode request body")


@pytest.mark.parametrize("encoding", COMPRESSIONS)
def test_a_compressed_body_cut_anywhere_is_400(encoding: str) -> None:
    packed = PACKERS[encoding](TEXT)
    for length in range(len(packed)):
        error = refusal(environ(packed[:length], encoding))
        assert (error.status, error.detail) == (400, "failed to decode request body")


@pytest.mark.parametrize("encoding", COMPRESSIONS)
def test_bytes_after_the_compressed_body_are_400(encoding: str) -> None:
    packed = PACKERS[encoding](TEXT)
    for more in (b"\x00", b"junk", packed):
        assert refusal(environ(packed + more, encoding)).status == 400
        trickle = {"wsgi.input": Trickle(packed + more)}
        assert refusal(environ(packed + more, encoding, **trickle)).status == 400


@pytest.mark.parametrize("encoding", COMPRESSIONS)
def test_what_is_not_compressed_is_400(encoding: str) -> None:
    assert refusal(environ(TEXT, encoding)).status == 400


def test_a_length_above_the_limit_is_refused_before_anything_is_read() -> None:
    request = environ(b"x" * 1001)
    error = refusal(request)
    assert error.status == 413
    assert "1000 bytes" in error.detail
    assert "SENT_SETTING" in error.detail
    assert request["wsgi.input"].tell() == 0


def test_a_body_may_be_as_long_as_the_limit() -> None:
    assert read(b"x" * 1000) == b"x" * 1000
    assert read(b"x" * 1000, CONTENT_LENGTH="", **{"wsgi.input_terminated": True}) == b"x" * 1000


def test_a_body_without_a_length_is_refused_one_byte_after_the_limit() -> None:
    request = environ(b"x" * 100_000, CONTENT_LENGTH="", **{"wsgi.input_terminated": True})
    assert refusal(request).status == 413
    assert request["wsgi.input"].tell() == 1001


def test_a_body_without_a_length_is_empty_where_the_server_does_not_mark_its_end() -> None:
    for request in (environ(TEXT, CONTENT_LENGTH=""), {"wsgi.input": io.BytesIO(TEXT)}):
        assert read_body(request, sent=SENT, unpacked=UNPACKED) == b""


def test_no_more_is_read_than_the_length_says() -> None:
    assert read(b"one request, and the next", CONTENT_LENGTH="11") == b"one request"


def test_a_body_shorter_than_its_length_is_400() -> None:
    error = refusal(environ(b"half", CONTENT_LENGTH="8"))
    assert (error.status, error.detail) == (400, "failed to read request body")


@pytest.mark.parametrize("length", ["-1", "1.5", "ten", "+1", "1_0", "١", " 1", "9" * 30])
def test_a_bad_length_is_400(length: str) -> None:
    assert refusal(environ(b"x", CONTENT_LENGTH=length)).status == 400


def test_a_lost_connection_is_400() -> None:
    class Lost(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise ConnectionResetError

    assert refusal(environ(b"x", **{"wsgi.input": Lost()})).status == 400


@pytest.mark.parametrize("encoding", COMPRESSIONS)
def test_a_body_that_unpacks_to_more_than_the_limit_is_413(encoding: str) -> None:
    assert read(PACKERS[encoding](b"x" * 5000), encoding) == b"x" * 5000
    error = refusal(environ(PACKERS[encoding](b"x" * 5001), encoding))
    assert error.status == 413
    assert "5000 bytes" in error.detail
    assert "UNPACKED_SETTING" in error.detail


def test_zstd_does_not_allocate_the_window_that_a_frame_asks_for() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27, enable_ldm=True)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    assert refusal(environ(packer.compress(b"x") + packer.flush(), "zstd")).status == 400


# The process reads its own peak from the kernel. ru_maxrss would begin with the peak of the parent process.
PROBE = """
import io, re, sys
from django.db import connection
from statsapi.http.bodies import read_body
from statsapi.http.errors import RequestError, BodyLimit
from tests.ingest.bounds import status_of

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) // 1024

data = sys.stdin.buffer.read()
environ = {"wsgi.input": io.BytesIO(data), "CONTENT_LENGTH": str(len(data)), "HTTP_CONTENT_ENCODING": sys.argv[1]}
limits = {"sent": BodyLimit("SENT", 20_000_000), "unpacked": BodyLimit("UNPACKED", 10_000_000)}
connection.vendor  # the settings are read at first use, and their memory is not that of the body
before = peak()
try:
    read_body(environ, **limits)
except RequestError as error:
    print(error.status, peak() - before)
"""


@pytest.mark.parametrize("encoding", COMPRESSIONS)
def test_a_bomb_of_hundreds_of_megabytes_is_413_within_forty(encoding: str) -> None:
    packed = zstd_of_run_length_blocks(4096) if encoding == "zstd" else bomb(encoding, 500)
    ran = subprocess.run(
        [sys.executable, "-c", PROBE, encoding], cwd=ROOT, input=packed, capture_output=True, check=True
    )
    status, megabytes = map(int, ran.stdout.split())
    assert status == 413
    assert megabytes < 40


@given(st.binary(max_size=200), st.sampled_from(list(PACKERS)), st.integers(0, 200))
def test_any_bytes_in_any_encoding_raise_nothing_but_the_one_error(data: bytes, encoding: str, place: int) -> None:
    packed = PACKERS[encoding](data)
    broken = packed[:place] + data[:2] + packed[place:]
    for body in (data, broken):
        assert status_of(partial(read, body, encoding)) in {200, 400, 413}
