from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statsapi.http.encodings import PIECE, Unpacker
from statsapi.http.errors import RequestError
from tests.http.packing import COMPRESSIONS, PACKERS, bomb, raw_deflate, zstd_of_run_length_blocks

pytestmark = pytest.mark.once


def unpack(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    unpacker = Unpacker(encoding)
    for chunk in chunks:
        yield from unpacker.feed(chunk)
    yield from unpacker.end()


def outcome(chunks: Iterable[bytes], encoding: str) -> object:
    """Return what the chunks unpack to, or how they are refused."""
    try:
        return b"".join(unpack(chunks, encoding))
    except RequestError as error:
        return error.status, error.detail, error.reason


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """Return the data cut at these places, which may be beyond its end or equal: then pieces are empty."""
    return [data[start:end] for start, end in pairwise([0, *sorted(places), len(data)])]


@pytest.mark.parametrize("encoding", COMPRESSIONS)
def test_the_pieces_of_a_bomb_are_small(encoding: str) -> None:
    largest = total = 0
    for piece in unpack([bomb(encoding, 100)], encoding):
        largest, total = max(largest, len(piece)), total + len(piece)
    assert total == 100 * 2**20
    # A slice of zstd unpacks to at most 32 blocks. brotli rounds a piece up to the next block of its buffer.
    assert largest <= 64 * PIECE


def test_the_pieces_of_the_densest_zstd_are_small_too() -> None:
    pieces = [len(piece) for piece in unpack([zstd_of_run_length_blocks(2000)], "zstd")]
    assert sum(pieces) == 2000 * 128 * 1024
    assert max(pieces) <= 33 * 128 * 1024


@given(st.binary(max_size=3000), st.sampled_from(list(PACKERS)), st.lists(st.integers(0, 3000), max_size=20))
def test_what_is_packed_is_unpacked_wherever_it_is_cut(data: bytes, encoding: str, places: list[int]) -> None:
    packed = PACKERS[encoding](data)
    for chunks in ([packed], cut(packed, places), cut(packed, list(range(len(packed))))):
        assert b"".join(unpack(chunks, encoding)) == data


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=9))
def test_raw_deflate_is_told_from_zlib_wherever_it_is_cut(data: bytes, places: list[int]) -> None:
    packed = raw_deflate(data)
    for chunks in ([packed], cut(packed, places), cut(packed, list(range(len(packed))))):
        assert b"".join(unpack(chunks, "deflate")) == data


# Not zstd: its library compares the size that a damaged frame announces only if the frame comes in one piece.
@given(
    st.binary(max_size=200),
    st.sampled_from(["gzip", "deflate", "br"]),
    st.integers(0, 200),
    st.binary(max_size=3),
    st.lists(st.integers(0, 300), max_size=9),
)
def test_damaged_data_is_refused_in_the_same_way_wherever_it_is_cut(
    data: bytes, encoding: str, place: int, inserted: bytes, places: list[int]
) -> None:
    packed = PACKERS[encoding](data)
    for body in (packed[:place] + inserted + packed[place:], packed[:place], packed + inserted, data):
        whole = outcome([body], encoding)
        assert outcome(cut(body, places), encoding) == whole
        assert outcome(cut(body, list(range(len(body)))), encoding) == whole


@given(st.lists(st.binary(max_size=60), max_size=6), st.sampled_from(list(PACKERS)))
def test_any_bytes_in_any_pieces_raise_nothing_but_the_one_error(chunks: list[bytes], encoding: str) -> None:
    assert outcome(chunks, encoding) is not None


def test_a_small_body_in_one_piece_comes_out_in_one_piece() -> None:
    for encoding in COMPRESSIONS:
        assert list(unpack([PACKERS[encoding](b"x" * 1500)], encoding)) == [b"x" * 1500]
