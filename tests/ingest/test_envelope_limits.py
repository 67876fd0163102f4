"""Limits of an envelope: what is refused, what is lost, and what counts all the same."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statsapi.http.errors import BodyLimit, RequestError
from statsapi.ingest.categories import ITEM_CATEGORIES, READ_TYPES
from statsapi.ingest.envelope import EnvelopeParser
from statsapi.ingest.envelope_parts import Envelope, EnvelopeLimits
from statsapi.ingest.enveloped import submission_of
from statsapi.ingest.submission import Sender
from tests.ingest.bounds import ENVELOPE, EVENT, FIVE, golden_envelopes, outcome, parse_envelope, refusal, status_of
from tsdb.outcomes import Category

pytestmark = pytest.mark.once

GOLDEN = golden_envelopes()
TOO_LARGE = BodyLimit("ENVELOPE_SETTING", 1).exceeded("an envelope")


def feed(parser: EnvelopeParser, pieces: Iterable[bytes]) -> None:
    for piece in pieces:
        parser.feed(piece)


def end(parser: EnvelopeParser, pieces: Iterable[bytes]) -> Envelope:
    feed(parser, pieces)
    return parser.end()


def cut_after(pieces: Iterable[bytes], limits: EnvelopeLimits = ENVELOPE) -> Envelope:
    """Return what came whole of a body after which a limit of the envelope was exceeded, or in which one was."""
    parser = EnvelopeParser(limits)
    try:
        feed(parser, pieces)
    except RequestError as error:
        if error.status != 413:
            raise
    return parser.cut()


@pytest.mark.parametrize("kind", ["event", "security", "raw_security", "transaction"])
def test_an_item_that_is_read_may_be_as_large_as_the_limit_and_is_lost_alone_if_it_is_larger(kind: str) -> None:
    header = b'{}\n{"type":"%s"}\n' % kind.encode()
    whole = parse_envelope(header + b"12345", FIVE)
    assert ([item.payload for item in whole.items], whole.lost) == ([b"12345"], ())
    too_large = parse_envelope(header + b'123456\n{"type":"session"}\n1234567', FIVE)
    assert [item.type for item in too_large.items] == ["session"]
    assert [(item.type, item.payload) for item in too_large.lost] == [(kind, b"")]
    assert (too_large.event, too_large.has_lost_event) == (None, True)


@pytest.mark.parametrize("kind", sorted(set(ITEM_CATEGORIES) - READ_TYPES) + ["of tomorrow"])
@pytest.mark.parametrize("length", [b"", b',"length":100'])
def test_what_is_only_counted_may_be_of_any_size(kind: str, length: bytes) -> None:
    item = b'{"type":"%s"%s}\n%s\n' % (kind.encode(), length, b"x" * 100)
    for body in (item + EVENT, EVENT + item) if ITEM_CATEGORIES.get(kind) is not Category.ERROR else (item,):
        envelope = parse_envelope(b"{}\n" + body, FIVE)
        assert (envelope.event is not None, envelope.lost) == (True, ())


def test_client_reports_have_the_limit_of_one_item_together_and_one_beyond_it_is_dropped() -> None:
    reports = b"".join(b'{"type":"client_report"}\n%s\n' % payload for payload in (b"123", b"456", b"78"))
    envelope = parse_envelope(b"{}\n" + reports + EVENT, FIVE)
    assert [item.payload for item in envelope.items] == [b"123", b"", b"78", b"{}"]
    assert envelope.lost == ()


def test_an_event_that_is_too_large_leaves_nothing_to_make_an_error_from() -> None:
    body = b'{}\n{"type":"event"}\n123456\n{"type":"attachment","attachment_type":"event.minidump"}\nMDMP'
    assert parse_envelope(body, FIVE).event is None


CUT = b'{}\n{"type":"session"}\n{}\n{"type":"event","length":2}\n{}\n{"type":"attachment","length":9}\n12345'


@pytest.mark.parametrize(
    ("size", "whole", "lost"),
    [
        (3, [], []),
        (21, [], []),
        (22, [], ["session"]),
        (24, [], ["session"]),
        (25, ["session"], []),
        (51, ["session"], []),
        (52, ["session"], []),
        (53, ["session"], ["event"]),
        (54, ["session"], ["event"]),
        (55, ["session", "event"], []),
        (56, ["session", "event"], []),
        (len(CUT), ["session", "event"], ["attachment"]),
    ],
)
def test_what_came_whole_before_a_cut_is_told_from_what_did_not(size: int, whole: list[str], lost: list[str]) -> None:
    for pieces in ([CUT[:3], CUT[3:size]], [CUT[at : at + 1] for at in range(size)]):
        envelope = cut_after(pieces)
        assert [item.type for item in envelope.items] == whole
        assert [item.type for item in envelope.lost] == lost


def test_of_an_attachment_that_was_cut_counts_what_came() -> None:
    [item] = cut_after([CUT]).lost
    assert dict(item.counts) == {Category.ATTACHMENT: 5, Category.ATTACHMENT_ITEM: 1}


@pytest.mark.parametrize("beyond", [b'{"type":"session"}\n{}\n' * 100, b'{"type":"%s"}\n' % (b"x" * 9000)])
def test_what_came_before_a_limit_of_the_parser_is_told_too(beyond: bytes) -> None:
    body = b"{}\n" + EVENT + beyond
    for pieces in ([body], [body[:3], body[3:]], [body, b"more"], [body[at : at + 1] for at in range(len(body))]):
        parser = EnvelopeParser(ENVELOPE)
        with pytest.raises(RequestError) as error:
            end(parser, pieces)
        assert error.value.status == 413
        envelope = parser.cut()
        assert envelope.event is not None
        assert len(envelope.items) in {1, 100}


def test_bytes_before_a_cut_that_are_no_envelope_are_400() -> None:
    with pytest.raises(RequestError) as error:
        cut_after([b"{}\nno item\n"])
    assert error.value.status == 400


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
    assert parse_envelope(b"{}\n" + b'{"type":"new"}\n\n' * 99 + EVENT, ENVELOPE).event is not None
    assert parse_envelope(body[: -len(b'{"type":"new"}\n\n')], ENVELOPE).items == ()


def test_a_million_items_are_refused_after_the_first_hundred() -> None:
    body = b"{}\n" + b'{"type":"session"}\n{}\n' * 100 + b"\xff" * 20_000_000
    assert "100 items" in refusal(body).detail


def test_an_event_beside_an_attachment_of_100_megabytes_is_read_in_constant_memory() -> None:
    piece, count = b"x\n" * 32768, 1600
    parser = EnvelopeParser(ENVELOPE)
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
    parser = EnvelopeParser(ENVELOPE)
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


@given(st.sampled_from(GOLDEN) | st.binary(max_size=200), st.lists(st.integers(0, 400), max_size=8), st.integers(1, 40))
def test_it_does_not_matter_in_which_pieces_a_body_came_that_is_cut(body: bytes, cuts: list[int], item: int) -> None:
    limits = EnvelopeLimits(ENVELOPE.header_line, BodyLimit("I", item), BodyLimit("N", 3))
    pieces = [body[start:end] for start, end in pairwise([0, *sorted(cuts), len(body)])]
    single = [body[place : place + 1] for place in range(len(body))]
    if not body.partition(b"\n")[1] or status_of(lambda: parse_envelope(body.partition(b"\n")[0], limits)) != 200:
        return
    whole, *others = (outcome(partial(cut_after, one, limits)) for one in ([body], pieces, single))
    assert others == [whole, whole]


@given(st.sampled_from(GOLDEN), st.integers(min_value=0))
def test_an_envelope_that_is_cut_anywhere_has_one_event_and_that_one_outcome(golden: bytes, place: int) -> None:
    """An event that came whole, one that was cut, or one that may have been lost."""
    header, _, rest = golden.partition(b"\n")
    try:
        parse_envelope(header, ENVELOPE)
        cut = cut_after([header + b"\n", rest[: place % (len(rest) + 1)]])
        submission, _ = submission_of(cut, Sender(1, "", 0, "", ""), TOO_LARGE)
    except RequestError:
        return
    lost = dict(submission.lost)
    assert (submission.event is not None) + lost.get(Category.ERROR, 0) + lost.get(Category.TRANSACTION, 0) == 1
    assert all(quantity > 0 for _, quantity in (*submission.items, *submission.lost))
