from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statsapi.http.errors import BodyLimit, RequestError
from statsapi.ingest.envelope import Envelope, EnvelopeLimits, EnvelopeParser
from tests.ingest.bounds import ENVELOPE, parse_envelope, status_of

pytestmark = pytest.mark.once

GOLDEN = [path.read_bytes() for path in sorted((Path(__file__).parent.parent / "golden" / "envelopes").iterdir())]


def refusal(body: bytes, limits: EnvelopeLimits = ENVELOPE) -> RequestError:
    with pytest.raises(RequestError) as error:
        parse_envelope(body, limits)
    return error.value


def test_the_event_and_the_first_client_report_are_all_that_is_kept() -> None:
    types = ("attachment", "client_report", "event", "client_report", "session")
    body = b"{}" + b"".join(b'\n{"type":"%s","length":4}\nabcd' % kind.encode() for kind in types)
    payloads = [item.payload for item in parse_envelope(body, ENVELOPE).items]
    assert payloads == [b"", b"abcd", b"abcd", b"", b""]


def test_a_payload_without_length_ends_at_the_newline_and_keeps_a_carriage_return() -> None:
    envelope = parse_envelope(b'{}\n{"type":"event"}\none\r\n{"type":"client_report"}\ntwo', ENVELOPE)
    assert [item.payload for item in envelope.items] == [b"one\r", b"two"]


def test_the_header_carries_what_other_rooms_need() -> None:
    body = b'{"sent_at":"2026-11-20T10:00:00Z","dsn":"x","trace":{"public_key":"k","environment":"e"}}'
    header = parse_envelope(body, ENVELOPE).header
    assert (header.event_id, header.sent_at, header.dsn) == (None, "2026-11-20T10:00:00Z", "x")
    assert (header.trace_key, header.trace_environment) == ("k", "e")


def test_the_header_is_there_once_its_line_is_whole() -> None:
    parser, seen = EnvelopeParser(ENVELOPE), []
    for piece in (b'{"dsn":', b'"x"}', b"\n", b'{"type":"event"}'):
        parser.feed(piece)
        seen.append(parser.header and parser.header.dsn)
    assert seen == [None, None, "x", "x"]


def test_a_bad_item_is_not_refused_by_the_call_that_brings_the_header() -> None:
    """The caller looks at the credentials in the header first. Those who may not send learn nothing of the rest."""
    calls: list[Callable[[EnvelopeParser], object]] = [lambda parser: parser.feed(b"\n"), EnvelopeParser.end]
    for call in calls:
        parser = EnvelopeParser(ENVELOPE)
        parser.feed(b'{"dsn":"x"}\nno item')
        assert parser.header is not None
        with pytest.raises(RequestError):
            call(parser)


@pytest.mark.parametrize("trace", [b"null", b"1", b"[]", b'{"public_key":1}'])
def test_a_strange_trace_is_as_none(trace: bytes) -> None:
    header = parse_envelope(b'{"trace":' + trace + b"}", ENVELOPE).header
    assert (header.trace_key, header.trace_environment) == ("", None)


def test_an_item_may_be_as_large_as_the_limit_and_not_larger() -> None:
    limits = EnvelopeLimits(ENVELOPE.header_line, BodyLimit("ITEM_SETTING", 5), ENVELOPE.items)
    assert parse_envelope(b'{}\n{"type":"event"}\n12345', limits).items[0].payload == b"12345"
    error = refusal(b'{}\n{"type":"attachment"}\n123456', limits)
    assert error.status == 413
    assert "5 bytes" in error.detail
    assert "ITEM_SETTING" in error.detail


def test_a_header_line_may_be_as_long_as_the_limit_and_not_longer() -> None:
    limits = EnvelopeLimits(BodyLimit("LINE_SETTING", 10), ENVELOPE.item, ENVELOPE.items)
    assert parse_envelope(b'{"a":"12"}\n', limits).items == ()
    assert parse_envelope(b'{"a":"12"}', limits).items == ()
    error = refusal(b'{"a":"123"}\n', limits)
    assert error.status == 413
    assert "LINE_SETTING" in error.detail


def test_items_of_unknown_type_count_towards_the_number_of_items() -> None:
    body = b"{}\n" + b'{"type":"new"}\n\n' * 101
    assert refusal(body).status == 413
    assert parse_envelope(body[: -len(b'{"type":"new"}\n\n')], ENVELOPE).items == ()


def test_a_million_items_are_refused_after_the_first_hundred() -> None:
    body = b"{}\n" + b'{"type":"session"}\n{}\n' * 100 + b"\xff" * 20_000_000
    assert "100 items" in refusal(body).detail


def test_an_event_beside_an_attachment_of_100_megabytes_is_read_in_constant_memory() -> None:
    piece, count = b"x\n" * 32768, 1600
    limits = EnvelopeLimits(ENVELOPE.header_line, BodyLimit("I", 200_000_000), ENVELOPE.items)
    parser = EnvelopeParser(limits)
    parser.feed(b'{}\n{"type":"event"}\nan event\n{"type":"attachment","length":%d}\n' % (len(piece) * count))
    tracemalloc.start()
    try:
        for _ in range(count):
            parser.feed(piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [item.payload for item in parser.end().items] == [b"an event", b""]
    assert peak < len(piece)


def test_a_payload_without_a_length_that_is_not_kept_takes_no_memory() -> None:
    piece = b"x" * 65536
    limits = EnvelopeLimits(ENVELOPE.header_line, BodyLimit("I", 200_000_000), ENVELOPE.items)
    parser = EnvelopeParser(limits)
    parser.feed(b'{}\n{"type":"attachment"}\n')
    parser.feed(piece)
    tracemalloc.start()
    try:
        for _ in range(1600):
            parser.feed(piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < len(piece)


def test_megabytes_of_newlines_are_refused_or_taken_for_the_end() -> None:
    newlines = b"\n" * 20_000_000
    assert parse_envelope(b"{}\n" + newlines, ENVELOPE).items == ()
    assert refusal(b"{}\n" + newlines + b"x").status == 400


def test_json_nested_a_hundred_thousand_deep_is_refused_as_a_header_and_carried_as_a_payload() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    wide = EnvelopeLimits(BodyLimit("S", 10**6), ENVELOPE.item, ENVELOPE.items)
    assert refusal(b'{"a":' + deep + b"}", wide).status == 400
    assert parse_envelope(b'{}\n{"type":"event"}\n' + deep, ENVELOPE).event is not None


def test_an_error_says_nothing_of_what_was_sent() -> None:
    error = refusal(b'{"secret-token":\n')
    assert "secret" not in str(error.body())


@given(st.binary(max_size=400))
def test_any_bytes_raise_nothing_but_the_one_error(body: bytes) -> None:
    assert status_of(lambda: parse_envelope(body, ENVELOPE)) in {200, 400, 413}


@given(st.sampled_from(GOLDEN), st.integers(min_value=0), st.binary(max_size=8), st.integers(0, 8))
def test_a_golden_envelope_broken_anywhere_raises_nothing_but_the_one_error(
    golden: bytes, place: int, inserted: bytes, removed: int
) -> None:
    place %= len(golden) + 1
    body = golden[:place] + inserted + golden[place + removed :]
    assert status_of(lambda: parse_envelope(body, ENVELOPE)) in {200, 400, 413}


@given(st.binary(max_size=40), st.binary(max_size=40), st.lists(st.booleans(), min_size=4, max_size=4))
def test_what_is_written_is_read_back(event: bytes, report: bytes, choices: list[bool]) -> None:
    items = [("event", event), ("client_report", report)]
    if choices[0]:
        items.reverse()
    body = b"{}"
    for (kind, payload), with_length in zip(items, choices[1:], strict=False):
        length = b',"length":%d' % len(payload) if with_length or b"\n" in payload else b""
        body += b'\n{"type":"%s"%s}\n%s' % (kind.encode(), length, payload)
    if choices[3]:
        body += b"\n"
    envelope = parse_envelope(body, ENVELOPE)
    assert [(item.type, item.payload) for item in envelope.items] == items


@given(
    st.sampled_from(GOLDEN) | st.binary(max_size=200),
    st.lists(st.integers(0, 400), max_size=8),
    st.integers(1, 40),
    st.integers(1, 60),
)
def test_it_does_not_matter_how_a_body_is_cut_into_pieces(body: bytes, cuts: list[int], line: int, item: int) -> None:
    """The pieces do not matter, and neither does the place of a limit."""
    pieces = [body[start:end] for start, end in pairwise([0, *sorted(cuts), len(body)])]
    single = [body[place : place + 1] for place in range(len(body))]
    for limits in (ENVELOPE, EnvelopeLimits(BodyLimit("L", line), BodyLimit("I", item), BodyLimit("N", 2))):
        whole, *others = (outcome(partial(parse_envelope, one, limits)) for one in (body, pieces, single))
        assert others == [whole, whole]


def outcome(call: Callable[[], Envelope]) -> object:
    try:
        return call()
    except RequestError as error:
        return error.status, error.body(), error.reason


LINES = [
    b"",
    b"12",
    b'{"type":"event"}',
    b'{"type":"event","length":2}',
    b'{"type":"event","length":0}',
    b'{"type":"client_report","length":null}',
    b'{"type":"client_report","length":5}',
    b'{"type":"log","item_count":9,"length":2}',
    b'{"type":"session","length":-1}',
    b'{"type":"new","length":2}',
    b"{}",
]


@given(
    st.lists(st.sampled_from(LINES), max_size=8),
    st.booleans(),
    st.lists(st.integers(0, 300), max_size=4),
    st.integers(0, 5),
)
def test_lines_in_any_order_are_the_same_in_any_pieces(
    lines: list[bytes], has_header: bool, cuts: list[int], item: int
) -> None:
    body = b"\n".join([b"{}"] * has_header + lines)
    pieces = [body[start:end] for start, end in pairwise([0, *sorted(cuts), len(body)])]
    single = [body[place : place + 1] for place in range(len(body))]
    limits = EnvelopeLimits(ENVELOPE.header_line, BodyLimit("I", item), BodyLimit("N", 3))
    whole, *others = (outcome(partial(parse_envelope, one, limits)) for one in (body, pieces, single))
    assert others == [whole, whole]


def test_every_cut_of_a_whole_envelope_is_an_envelope_or_an_error() -> None:
    body = b'{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc"}\n{"type":"event","length":2}\n{}\n'
    ends = [
        length for length in range(len(body) + 1) if status_of(partial(parse_envelope, body[:length], ENVELOPE)) == 200
    ]
    assert ends == [47, 48, 78, 79]


def test_random_lines_of_headers_never_escape() -> None:
    shuffle = random.Random(1)
    lines = [line for golden in GOLDEN for line in golden.split(b"\n") if len(line) < 300]
    for _ in range(2000):
        body = b"\n".join(shuffle.choices(lines, k=shuffle.randint(1, 8)))
        assert status_of(partial(parse_envelope, body, ENVELOPE)) in {200, 400, 413}
