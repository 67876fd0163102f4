from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statsapi.http.errors import RequestError
from statsapi.ingest.envelope_parts import EnvelopeHeader
from statsapi.ingest.events import event_environment, event_id
from tests.ingest.bounds import ENVELOPE, parse_envelope, status_of

ID = "9ec79c33ec9942ab8353589fcb2e04dc"
OTHER_ID = "0" * 32
KEY, OTHER_KEY = "a" * 32, "b" * 32


def header(line: str) -> EnvelopeHeader:
    return parse_envelope(line.encode(), ENVELOPE).header


def test_the_id_of_the_header_wins() -> None:
    assert event_id(header(f'{{"event_id":"{ID}"}}'), f'{{"event_id":"{OTHER_ID}"}}'.encode()) == ID


def test_the_id_of_the_payload_is_taken_where_the_header_has_none() -> None:
    payload = b'{"event_id":"9EC79C33-EC99-42AB-8353-589FCB2E04DC"}'
    assert event_id(header("{}"), payload) == ID
    assert event_id(header('{"event_id":null}'), memoryview(payload)) == ID


@pytest.mark.parametrize("payload", [b"{}", b"", b"[]", b"\xff", b'{"event_id":null}'])
def test_an_event_may_have_no_id(payload: bytes) -> None:
    assert event_id(header("{}"), payload) is None


def test_a_bad_id_in_the_payload_is_400() -> None:
    with pytest.raises(RequestError) as error:
        event_id(header("{}"), b'{"event_id":"short"}')
    assert (error.value.status, error.value.detail) == (400, "invalid event id")


def trace(key: str, environment: str = '"traced"') -> EnvelopeHeader:
    return header(f'{{"trace":{{"public_key":"{key}","environment":{environment}}}}}')


def test_the_environment_of_a_trace_that_began_here_is_taken_without_reading_the_payload() -> None:
    assert event_environment(trace(KEY), b"not json", KEY) == "traced"


def test_the_environment_of_a_trace_that_began_elsewhere_is_not_the_events() -> None:
    assert event_environment(trace(OTHER_KEY), b'{"environment":"own"}', KEY) == "own"
    assert event_environment(trace(OTHER_KEY), b"{}", KEY) is None


@pytest.mark.parametrize("environment", ["null", "1", '""', '"a/b"', "[]"])
def test_a_trace_without_a_usable_environment_leaves_it_to_the_payload(environment: str) -> None:
    assert event_environment(trace(KEY, environment), b'{"environment":"own"}', KEY) == "own"


@pytest.mark.parametrize("payload", [b"{}", b"", b"\xff", b'{"environment":null}', b'{"environment":{"a":1}}'])
def test_an_event_may_have_no_environment(payload: bytes) -> None:
    assert event_environment(header("{}"), payload, KEY) is None


@given(st.binary(max_size=100))
def test_any_payload_gives_an_id_or_none_or_the_one_error(payload: bytes) -> None:
    event_environment(header("{}"), payload, KEY)
    assert status_of(lambda: event_id(header("{}"), payload)) in {200, 400}
