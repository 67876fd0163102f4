"""What the SDKs of the day in production send (benchmarks/day.py), and what each request counts."""

from __future__ import annotations

import json
import random
import uuid
import zlib
from typing import NamedTuple

import brotli  # type: ignore[import-untyped]

FILTERED_RELEASE = "1.0-canary"
"""Events of this release are filtered."""
_WORDS = random.Random(1)
_FRAMES = [
    {
        "filename": f"app/module_{n}.py",
        "function": f"handle_{n}",
        "lineno": n,
        "in_app": n % 2,
        "context_line": f"{_WORDS.getrandbits(160):x}",
    }
    for n in range(60)
]
_EVENT = {"level": "error", "environment": "production", "platform": "python", "message": "it failed"}
_SESSION = ({"type": "session"}, {"sid": "ab" * 16, "status": "exited", "started": "2026-04-01T00:00:00Z"})
_REPORT = (
    {"type": "client_report"},
    {"discarded_events": [{"reason": "sample_rate", "category": "transaction", "quantity": 3}]},
)
_REPORTED = {"transaction:client_discard": 3}


def _error(frames: int, release: str = "2.1") -> tuple[dict[str, str], object]:
    stack = [{"type": "ValueError", "value": "bad", "stacktrace": {"frames": _FRAMES[:frames]}}]
    return {"type": "event"}, {**_EVENT, "release": release, "exception": {"values": stack}}


def _transaction(spans: int) -> tuple[dict[str, str], object]:
    rows = [{"op": "db", "description": f"SELECT {n} FROM table_{n % 7}", "span_id": f"{n:016x}"} for n in range(spans)]
    return {"type": "transaction"}, {"type": "transaction", "transaction": "/checkout", "spans": rows}


def _attachment(size: int) -> tuple[dict[str, str], object]:
    return {"type": "attachment", "filename": "log.txt"}, "".join(random.Random(1).choices("abcdef \n", k=size))


class Kind:
    """One kind of envelope: its share of all, its encoding ("", "gzip" or "br"), and its items.

    `accepted`, and `refused` if the quota refuses its event, are what it counts, by "category:outcome".
    """

    def __init__(
        self,
        share: float,
        encoding: str,
        items: list[tuple[dict[str, str], object]],
        accepted: dict[str, int],
        refused: dict[str, int] | None = None,
    ) -> None:
        self.share = share
        self.encoding = encoding
        self.accepted = accepted
        self.refused = refused
        lines = [json.dumps(part) for header, payload in items for part in (header, payload)]
        self._items = ("\n".join(lines) + "\n").encode()
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        self._deflated = packer.compress(self._items) + packer.flush()

    def body(self) -> bytes:
        """Return an envelope with an id of its own."""
        head = b'{"event_id":"%s"}\n' % uuid.uuid4().hex.encode()
        if self.encoding == "br":
            compressed: bytes = brotli.compress(head + self._items, quality=1)
            return compressed
        return self._gzipped(head) if self.encoding else head + self._items

    def _gzipped(self, head: bytes) -> bytes:
        """Return the gzipped envelope. The items were compressed before, so only the head is new: a stored block."""
        stored = b"\0" + len(head).to_bytes(2, "little") + (len(head) ^ 0xFFFF).to_bytes(2, "little") + head
        checksum, size = zlib.crc32(self._items, zlib.crc32(head)), len(head) + len(self._items)
        trailer = checksum.to_bytes(4, "little") + size.to_bytes(4, "little")
        return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + stored + self._deflated + trailer


_ACCEPTED, _FILTERED, _REFUSED = {"error:accepted": 1}, {"error:filtered": 1}, {"error:rate_limited": 1}
_FILE = _attachment(40_000)


def _with_file(outcome: str) -> dict[str, int]:
    size = len(json.dumps(_FILE[1]))
    parts = {f"attachment:{outcome}": size, f"attachment_item:{outcome}": 1}
    return {f"error:{outcome}": 1, **parts, "session:accepted": 1}


def kinds() -> list[Kind]:
    """Return the mix of a Python, a browser and a mobile SDK. A tenth of the envelopes have an event to be filtered."""
    return [
        Kind(0.22, "gzip", [_error(40)], _ACCEPTED, _REFUSED),
        Kind(0.05, "gzip", [_error(40, FILTERED_RELEASE)], _FILTERED),
        Kind(0.10, "gzip", [_transaction(60)], {"transaction:accepted": 1}),
        Kind(0.08, "br", [_error(30)], _ACCEPTED, _REFUSED),
        Kind(0.14, "", [_error(12)], _ACCEPTED, _REFUSED),
        Kind(0.04, "", [_error(12, FILTERED_RELEASE)], _FILTERED),
        Kind(0.12, "", [_transaction(15), _REPORT], {"transaction:accepted": 1, **_REPORTED}),
        Kind(0.10, "", [_SESSION], {"session:accepted": 1}),
        Kind(0.05, "", [_REPORT], _REPORTED),
        Kind(0.07, "gzip", [_error(50), _FILE, _SESSION], _with_file("accepted"), _with_file("rate_limited")),
        Kind(
            0.03,
            "gzip",
            [_error(50), _SESSION],
            {**_ACCEPTED, "session:accepted": 1},
            {**_REFUSED, "session:accepted": 1},
        ),
    ]


class Key(NamedTuple):
    """A key to send to, and its weight: how much of the load it gets."""

    project: int
    public: str
    weight: float


def request(kind: Kind, key: Key) -> bytes:
    """Return an HTTP request with an envelope of this kind."""
    body = kind.body()
    encoding = f"Content-Encoding: {kind.encoding}\r\n" if kind.encoding else ""
    head = (
        f"POST /api/{key.project}/envelope/ HTTP/1.1\r\nHost: 127.0.0.1\r\n{encoding}"
        f"X-Sentry-Auth: Sentry sentry_key={key.public}, sentry_version=7, sentry_client=bench/1.0\r\n"
        f"Content-Type: application/x-sentry-envelope\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
