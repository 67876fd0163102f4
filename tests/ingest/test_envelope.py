from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statsapi.http.errors import BodyLimit, RequestError
from statsapi.ingest.categories import ERROR_ATTACHMENTS
from statsapi.ingest.envelope import BLANKS, EnvelopeParser, after_blanks
from statsapi.ingest.envelope_parts import EnvelopeLimits
from tests.ingest.bounds import ENVELOPE, EVENT, FIVE, golden_envelopes, outcome, parse_envelope, refusal, status_of
from tsdb.outcomes import Category

pytestmark = pytest.mark.once

GOLDEN = golden_envelopes()


def test_only_what_is_read_is_kept() -> None:
    types = ("attachment", "client_report", "event", "client_report", "session", "transaction", "transaction")
    body = b"{}" + b"".join(b'\n{"type":"%s","length":4}\nabcd' % kind.encode() for kind in types)
    payloads = [item.payload for item in parse_envelope(body, ENVELOPE).items]
    assert payloads == [b"", b"abcd", b"abcd", b"abcd", b"", b"abcd", b""]


def test_a_payload_without_length_ends_at_the_newline_and_keeps_a_carriage_return() -> None:
    envelope = parse_envelope(b'{}\n{"type":"event"}\none\r\n{"type":"client_report"}\ntwo', ENVELOPE)
    assert [item.payload for item in envelope.items] == [b"one\r", b"two"]


@given(st.text("\t\n\r x", max_size=10), st.integers(0, 200), st.binary(max_size=100), st.integers(0, 5))
def test_blanks_are_passed_over_however_many_there_are(first: str, number: int, rest: bytes, at: int) -> None:
    piece = b"\n" * at + first.encode() + b"\n" * number + rest
    assert after_blanks(piece, at) == len(piece) - len(piece[at:].lstrip(BLANKS))


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


def test_an_attachment_counts_its_bytes_and_one_piece() -> None:
    body = (
        b'{}\n{"type":"attachment","length":12}\nabc\ndef\nghi\n\n{"type":"attachment"}\n\n{"type":"attachment"}\nabc'
    )
    counts = [dict(item.counts) for item in parse_envelope(body, FIVE).items]
    assert counts == [
        {Category.ATTACHMENT: 12, Category.ATTACHMENT_ITEM: 1},
        {Category.ATTACHMENT_ITEM: 1},
        {Category.ATTACHMENT: 3, Category.ATTACHMENT_ITEM: 1},
    ]


@pytest.mark.parametrize("kind", sorted(ERROR_ATTACHMENTS))
def test_an_attachment_of_a_crash_is_the_event_if_there_is_no_other(kind: str) -> None:
    attachment = b'{"type":"attachment","attachment_type":"%s"}\nMDMP\n' % kind.encode()
    transaction = b'{"type":"transaction"}\n{}\n'
    for before, after, found in (
        (b"", b"", "attachment"),
        (transaction, transaction, "attachment"),
        (EVENT, b"", "event"),
        (b"", EVENT, "event"),
    ):
        event = parse_envelope(b"{}\n" + before + attachment * 2 + after, ENVELOPE).event
        assert event is not None
        assert event.type == found


@pytest.mark.parametrize(
    "kind", ["null", "1", '["event.minidump"]', '"event.attachment"', '"event.view_hierarchy"', '""']
)
def test_any_other_attachment_is_no_event(kind: str) -> None:
    body = b'{}\n{"type":"attachment","attachment_type":%s}\nMDMP' % kind.encode()
    assert parse_envelope(body, ENVELOPE).event is None


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


LINES = [
    b"",
    b"12",
    b'{"type":"event"}',
    b'{"type":"event","length":2}',
    b'{"type":"event","length":0}',
    b'{"type":"client_report","length":null}',
    b'{"type":"client_report","length":5}',
    b'{"type":"transaction"}',
    b'{"type":"attachment","attachment_type":"event.minidump"}',
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
