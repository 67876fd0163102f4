from __future__ import annotations

import base64
import json
import math
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statsapi.http.errors import BodyLimit, RequestError
from statsapi.http.foreign_json import LARGEST_OF_PYTHON
from statsapi.ingest.store_body import parse_store
from tests.ingest.bounds import status_of

LIMIT = BodyLimit("STORE_SETTING", 1000)
EVENT = b'{"event_id":"9EC79C33-EC99-42AB-8353-589FCB2E04DC","message":"a~~?>"}'


@pytest.mark.parametrize(
    "body",
    [EVENT, base64.b64encode(zlib.compress(EVENT)), base64.b64encode(EVENT) + b"\n", b"\r\n " + EVENT],
)
def test_an_event_is_read_in_each_of_its_wrappings(body: bytes) -> None:
    stored = parse_store(body, LIMIT)
    assert stored.event_id == "9ec79c33ec9942ab8353589fcb2e04dc"
    assert stored.event["message"] == "a~~?>"


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r\n\t"])
def test_base64_may_be_broken_into_lines(newline: bytes) -> None:
    for packed in (EVENT, zlib.compress(EVENT)):
        lines = base64.b64encode(packed)
        body = newline.join(lines[at : at + 76] for at in range(0, len(lines), 76)) + newline
        assert parse_store(body, LIMIT).event["message"] == "a~~?>"


def test_base64_may_be_that_for_addresses_and_without_its_padding() -> None:
    seen = b""
    for byte in range(256):
        packed = base64.urlsafe_b64encode(zlib.compress(EVENT + b" " * byte))
        seen += packed
        assert parse_store(packed, LIMIT).event["message"] == "a~~?>"
        assert parse_store(packed.rstrip(b"="), LIMIT).event["message"] == "a~~?>"
    assert b"-" in seen
    assert b"_" in seen


def test_base64_whose_plus_became_a_blank_in_a_query_is_read() -> None:
    for byte in range(256):
        packed = base64.b64encode(zlib.compress(EVENT + b" " * byte))
        if b"+" in packed:
            break
    assert parse_store(packed.replace(b"+", b" "), LIMIT).event["message"] == "a~~?>"


def test_an_event_that_unpacks_to_more_than_the_limit_is_413() -> None:
    body = base64.b64encode(zlib.compress(b'{"a":"' + b"x" * 100_000 + b'"}'))
    with pytest.raises(RequestError) as error:
        parse_store(body, LIMIT)
    assert error.value.status == 413
    assert "STORE_SETTING" in error.value.detail


def test_numbers_that_are_none_are_null_as_python_writes_them() -> None:
    event = {"message": 'NaN and "Infinity"', "extra": {"a": math.nan, "b": [math.inf, -math.inf, 1]}}
    text = json.dumps(event).encode()
    for body in (text, base64.b64encode(zlib.compress(text))):
        assert parse_store(body, LIMIT).event == {**event, "extra": {"a": None, "b": [None, None, 1]}}


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":NaN',
        b'{"a":nan,"b":NaN}',
        b'{"a":NaN,"b":"\\ud800"}',
        b'{"a":NaN,"b":"\xe9"}',
        b'{"a":NaN} {}',
        b'{"a":NaN,"b":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":NaN,"b":' + b"[" * 2000 + b"]" * 2000 + b"}",
        b'{"a":NaN,"b":' + b"9" * 5000 + b"}",
        b'{"a":NaN,"b":"' + b"x" * LARGEST_OF_PYTHON + b'"}',
    ],
)
def test_nothing_else_that_is_no_json_is_read(body: bytes) -> None:
    with pytest.raises(RequestError) as refusal:
        parse_store(body, BodyLimit("STORE_SETTING", 10**6))
    assert (refusal.value.status, refusal.value.reason) == (400, "invalid_json")


def test_a_transaction_is_one() -> None:
    assert parse_store(b'{"type":"transaction"}', LIMIT).category == "transaction"
    assert parse_store(b'{"type":"csp"}', LIMIT).category == "error"
    assert parse_store(b'{"type":["transaction"]}', LIMIT).category == "error"


@given(st.binary(max_size=100), st.booleans(), st.booleans())
def test_any_bytes_raise_nothing_but_the_one_error(data: bytes, packed: bool, wrapped: bool) -> None:
    body = zlib.compress(data) if packed else data
    body = base64.b64encode(body) if wrapped else body
    assert status_of(lambda: parse_store(body, LIMIT)) in {200, 400, 413}
