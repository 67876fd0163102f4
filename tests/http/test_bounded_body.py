from __future__ import annotations

import pytest

from statsapi.http.bounded_body import BoundedBody, content_length
from statsapi.http.errors import BodyLimit, RequestError
from tests.http.packing import COMPRESSIONS, bomb

pytestmark = pytest.mark.once

SENT = BodyLimit("SENT_SETTING", 1_000_000)
UNPACKED = BodyLimit("UNPACKED_SETTING", 2_000_000)


def body(encoding: str = "", length: int | None = None) -> BoundedBody:
    return BoundedBody(encoding, sent=SENT, unpacked=UNPACKED, length=length)


def test_a_body_comes_out_as_it_goes_in() -> None:
    taken = body(length=6)
    assert [*taken.feed(b"one"), *taken.feed(b""), *taken.feed(b"two"), *taken.end()] == [b"one", b"two"]


def test_an_announced_length_above_the_limit_is_refused_at_once() -> None:
    assert list(body(length=SENT.maximum).feed(b"x")) == [b"x"]
    with pytest.raises(RequestError) as refusal:
        body("no encoding", length=SENT.maximum + 1)
    assert refusal.value.status == 413
    assert "SENT_SETTING" in refusal.value.detail


@pytest.mark.parametrize("first", [1, SENT.maximum - 1, SENT.maximum])
def test_more_than_the_limit_is_refused_after_what_lies_within_it(first: int) -> None:
    taken = body()
    pieces = list(taken.feed(b"x" * first))
    with pytest.raises(RequestError) as refusal:
        pieces.extend(taken.feed(b"x" * (SENT.maximum + 1 - first)))
    assert sum(map(len, pieces)) == SENT.maximum
    assert refusal.value.status == 413
    assert "SENT_SETTING" in refusal.value.detail


@pytest.mark.parametrize("encoding", COMPRESSIONS)
def test_what_comes_out_ends_at_the_limit_of_the_unpacked_bytes(encoding: str) -> None:
    pieces: list[bytes] = []
    with pytest.raises(RequestError) as refusal:
        pieces.extend(body(encoding).feed(bomb(encoding, 20)))
    assert sum(map(len, pieces)) == UNPACKED.maximum
    assert refusal.value.status == 413
    assert "UNPACKED_SETTING" in refusal.value.detail


def test_a_body_that_ends_before_its_length_is_400() -> None:
    taken = body(length=4)
    assert list(taken.feed(b"one")) == [b"one"]
    with pytest.raises(RequestError) as refusal:
        taken.end()
    assert (refusal.value.status, refusal.value.detail) == (400, "failed to read request body")


def test_a_request_without_a_length_has_none() -> None:
    assert (content_length(None), content_length(""), content_length("0"), content_length("12")) == (None, None, 0, 12)


@pytest.mark.parametrize("text", ["-1", "1.5", "ten", "+1", "1_0", "\u0661", " 1", "9" * 30])
def test_a_length_that_is_no_number_is_400(text: str) -> None:
    with pytest.raises(RequestError) as refusal:
        content_length(text)
    assert refusal.value.status == 400
