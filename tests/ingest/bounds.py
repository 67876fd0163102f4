"""Limits of bodies (docs/contract.md#bodies) for the tests of this folder, and how a call ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from statsapi.http.errors import BodyLimit, RequestError
from statsapi.ingest.envelope import EnvelopeParser
from statsapi.ingest.envelope_parts import Envelope, EnvelopeLimits

SENT = BodyLimit("INGEST_MAX_ENVELOPE_BYTES", 20_000_000)
UNPACKED = BodyLimit("INGEST_MAX_ENVELOPE_UNPACKED_BYTES", 100_000_000)
STORE_UNPACKED = BodyLimit("INGEST_MAX_STORE_UNPACKED_BYTES", 1_000_000)
ITEMS = BodyLimit("INGEST_MAX_ITEMS", 100)
ENVELOPE = EnvelopeLimits(
    header_line=BodyLimit("INGEST_MAX_HEADER_BYTES", 8192),
    item=BodyLimit("INGEST_MAX_ITEM_BYTES", 1_000_000),
    items=ITEMS,
)


FIVE = EnvelopeLimits(ENVELOPE.header_line, BodyLimit("ITEM_SETTING", 5), ENVELOPE.items)
"""Limits that an item of six bytes exceeds."""

EVENT = b'{"type":"event"}\n{}\n'
"""An item."""


def golden_envelopes() -> list[bytes]:
    """Return the bodies in tests/golden/envelopes."""
    return [path.read_bytes() for path in sorted((Path(__file__).parents[1] / "golden" / "envelopes").iterdir())]


def parse_envelope(body: bytes | Iterable[bytes], limits: EnvelopeLimits) -> Envelope:
    """Return the envelope of a body that is whole or comes in pieces. Credentials are not read."""
    parser = EnvelopeParser(limits)
    for piece in [body] if isinstance(body, bytes) else body:
        parser.feed(piece)
    return parser.end()


def refusal(body: bytes, limits: EnvelopeLimits = ENVELOPE) -> RequestError:
    """Return the error of a body that is refused."""
    with pytest.raises(RequestError) as error:
        parse_envelope(body, limits)
    return error.value


def outcome(call: Callable[[], Envelope]) -> object:
    """Return the envelope, or all that the refusal says, so that two calls can be compared."""
    try:
        return call()
    except RequestError as error:
        return error.status, error.body(), error.reason


def status_of(call: Callable[[], object]) -> int:
    """Return 200, or the status of the refusal. Any other exception fails the test."""
    try:
        call()
    except RequestError as error:
        return error.status
    return 200
