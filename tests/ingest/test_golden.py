"""Every body in tests/golden/, compared with its manifest."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from statsapi.http.errors import RequestError
from statsapi.ingest.categories import ITEM_CATEGORIES
from statsapi.ingest.credentials import parse_dsn
from statsapi.ingest.events import event_id
from statsapi.ingest.reports import parse_report
from statsapi.ingest.security import parse_security_reports
from statsapi.ingest.store_body import parse_store
from tests.ingest.bounds import ENVELOPE, ITEMS, STORE_UNPACKED, parse_envelope

GOLDEN = Path(__file__).parent.parent / "golden"
MANIFEST: dict[str, dict[str, Any]] = json.loads((GOLDEN / "manifest.json").read_text())


def read(name: str) -> dict[str, Any]:
    """Return what intake reads in the body, in the words of the manifest."""
    folder, body = name.split("/")[0], (GOLDEN / name).read_bytes()
    if folder == "store":
        stored = parse_store(body, STORE_UNPACKED)
        return {"event_id": stored.event_id, "category": stored.category}
    if folder == "security":
        return {"kinds": [report.kind for report in parse_security_reports(body, ITEMS)]}
    envelope = parse_envelope(body, ENVELOPE)
    counts: Counter[str] = Counter()
    found: dict[str, Any] = {"event_id": envelope.header.event_id}
    for item in envelope.items:
        if item.category:
            counts[item.category] += item.quantity
        if item.type == "client_report":
            report = parse_report(item.payload)
            found["report"] = report and [[row.outcome, row.category, row.reason, row.quantity] for row in report.rows]
    if envelope.event:
        found["event_id"] = event_id(envelope.header, envelope.event.payload)
    if envelope.header.dsn:
        found["dsn_key"] = parse_dsn(envelope.header.dsn).public_key
    return {**found, "counts": dict(counts)}


@pytest.mark.parametrize("name", sorted(MANIFEST))
def test_a_golden_body_is_read_as_its_manifest_says(name: str) -> None:
    expected = dict(MANIFEST[name])
    status, detail = expected.pop("status"), expected.pop("detail", "")
    if status == 200:
        assert read(name) == expected
        return
    with pytest.raises(RequestError) as refusal:
        read(name)
    assert refusal.value.status == status
    if status == 413:
        assert detail in refusal.value.detail
    else:
        assert refusal.value.detail == detail


def test_the_manifest_names_every_golden_body() -> None:
    files = {str(path.relative_to(GOLDEN)) for path in GOLDEN.glob("*/*")}
    assert files == set(MANIFEST)


def test_every_item_type_has_a_golden_envelope() -> None:
    types: set[str] = set()
    for path in (GOLDEN / "envelopes").iterdir():
        if MANIFEST[f"envelopes/{path.name}"]["status"] == 200:
            types.update(item.type for item in parse_envelope(path.read_bytes(), ENVELOPE).items)
    missing = set(ITEM_CATEGORIES) - types
    # These are other names of types that have a body.
    assert missing == {"metric_buckets", "otel_log", "security"}
