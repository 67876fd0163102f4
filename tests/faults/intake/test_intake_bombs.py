"""Bodies that are made to cost much: giant when they are unpacked, or slow to read. Memory and time stay bounded.

See docs/reliability.md#bombs.
"""

from __future__ import annotations

import base64
import json
import os
import zlib
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.clients.live import IntakeService, Sender, event
from tests.faults.intake.bombs import ENCODINGS, MEGABYTE, attachment, pack, zeros
from tests.faults.intake.crowd import at_once
from tests.faults.intake.memory import Memory

pytestmark = pytest.mark.once

CLIENTS = 8
INVALID = ("error", "invalid", "too_large")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_bombs_are_413_within_bounded_memory(service: IntakeService, sender: Sender, encoding: str) -> None:
    for bomb, setting in (
        (pack(encoding, [b"{}\n", *attachment(250)]), "INGEST_MAX_ENVELOPE_UNPACKED_BYTES"),
        (pack(encoding, zeros(500)), "INGEST_MAX_HEADER_BYTES"),
    ):
        memory = Memory(service)
        answers = at_once(CLIENTS, lambda _, bomb=bomb: service.send(sender, bomb, content_encoding=encoding))  # type: ignore[misc]

        assert [answer.status for answer in answers] == [413] * CLIENTS
        assert all(setting in answer.json()["detail"] for answer in answers)
        # A window of brotli is 16 MB, and new threads need some memory. The bombs have 250 MB and more.
        assert memory.grown() < CLIENTS * 24
    assert service.facts(sender)[INVALID] == 2 * CLIENTS
    assert service.send(sender, event()).status == 200


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("endpoint", ["store", "security"])
def test_bombs_are_413_at_the_other_endpoints(
    service: IntakeService, sender: Sender, endpoint: str, encoding: str
) -> None:
    bomb = pack(encoding, zeros(30))
    memory = Memory(service)
    answers = at_once(CLIENTS, lambda _: service.send(sender, bomb, endpoint, content_encoding=encoding))

    assert [answer.status for answer in answers] == [413] * CLIENTS
    assert "INGEST_MAX_STORE_UNPACKED_BYTES" in answers[0].json()["detail"]
    assert memory.grown() < CLIENTS * 24


def test_crashes_of_any_size_stream_by_in_bounded_memory(service: IntakeService, sender: Sender) -> None:
    head = b'--B\r\nContent-Disposition: form-data; name="%s"; filename="f"\r\n\r\n'
    dump = [head % b"upload_file_minidump", b"MDMP", *zeros(90), b"\r\n"]
    form = pack("gzip", [*dump, head % b"log", *zeros(90), b"\r\n--B--\r\n"])
    raw = pack("gzip", [b"MDMP", *zeros(180)])
    bomb = pack("gzip", [*dump, head % b"log", *zeros(120), b"\r\n--B--\r\n"])
    memory = Memory(service)
    for body, content_type, status in (
        (form, "multipart/form-data; boundary=B", 200),
        (raw, "application/octet-stream", 200),
        (bomb, "multipart/form-data; boundary=B", 413),
    ):
        answer = service.send(sender, body, "minidump", content_encoding="gzip", content_type=content_type)
        assert answer.status == status
    assert service.send(sender, raw, f"unreal/{sender.public}", content_encoding="gzip").status == 200

    assert memory.grown() < 24
    assert service.facts(sender) == {
        ("error", "accepted", "none"): 3,
        ("attachment", "accepted", "none"): 90 * MEGABYTE,
        ("attachment_item", "accepted", "none"): 1,
        INVALID: 1,
    }


@pytest.mark.parametrize("endpoint", ["nel", "integration/otlp/v1/logs"])
def test_bombs_of_reports_and_batches_are_413(service: IntakeService, sender: Sender, endpoint: str) -> None:
    bomb = pack("gzip", zeros(30))
    memory = Memory(service)
    answers = at_once(CLIENTS, lambda _: service.send(sender, bomb, endpoint, content_encoding="gzip"))

    assert [answer.status for answer in answers] == [413] * CLIENTS
    assert memory.grown() < CLIENTS * 24
    assert service.facts(sender) == {INVALID: CLIENTS}


def test_a_bomb_in_base64_is_413(service: IntakeService, sender: Sender) -> None:
    memory = Memory(service)
    body = base64.b64encode(zlib.compress(bytes(100 * MEGABYTE), 9))
    answer = service.send(sender, body, "store")

    assert answer.status == 413
    assert "INGEST_MAX_STORE_UNPACKED_BYTES" in answer.json()["detail"]
    assert memory.grown() < 24


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_bomb_of_whom_nobody_knows_is_refused_before_it_is_unpacked(
    service: IntakeService, sender: Sender, encoding: str
) -> None:
    """Credentials may stand in the envelope, so its first line is unpacked, and no more.

    See docs/reliability.md#work-before-limits.
    """
    foreign = service.new_sender()
    assert service.send(sender, event()).status == service.send(foreign, event()).status == 200
    memory, spent = Memory(service), processor_seconds(service)
    for header, status in (
        ({}, 401),
        ({"dsn": "nonsense"}, 401),
        ({"dsn": sender._replace(public="0" * 32).dsn(80)}, 403),
        ({"dsn": foreign._replace(project=sender.project).dsn(80)}, 403),
        ({"dsn": foreign.dsn(80)}, 403),
    ):
        bomb = pack(encoding, [json.dumps(header).encode() + b"\n", *attachment(190)])
        assert [unsigned(service, sender, bomb, encoding) for _ in range(4)] == [status] * 4
    # Unpacking all of it takes 70 ms (zstd) to 220 ms (br). Processor time, because the machine may be busy.
    assert processor_seconds(service) - spent < 5 * 4 * 0.025
    assert memory.grown() < 24  # a window of brotli is 16 MB
    assert service.stat(sender) == 1


def test_an_event_of_many_small_values_does_not_keep_others_waiting(service: IntakeService, sender: Sender) -> None:
    """Only a thousandth of the body is sent. While it is parsed nobody else is served, so its processor time counts.

    See docs/reliability.md#work-before-limits.
    """
    body = pack("gzip", [b'{"a":[' + b"[]," * 330_000 + b"0]}"])
    assert service.send(sender, event()).status == 200
    before = processor_seconds(service)
    for _ in range(10):
        assert service.send(sender, body, "store", content_encoding="gzip").status == 200
    assert processor_seconds(service) - before < 10 * 0.12


def processor_seconds(service: IntakeService) -> float:
    """Return the processor time that the workers have used."""
    stats = [Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split() for worker in service.workers()]
    return sum(int(one[11]) + int(one[12]) for one in stats) / os.sysconf("SC_CLK_TCK")


def unsigned(service: IntakeService, sender: Sender, body: bytes, encoding: str) -> int:
    """Send an envelope without credentials in the request, and return the status."""
    with closing(HTTPConnection("127.0.0.1", service.port, timeout=20)) as connection:
        connection.request("POST", sender.path("envelope"), body, {"content-encoding": encoding})
        return connection.getresponse().status
