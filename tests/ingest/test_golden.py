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
from statsapi.ingest.enveloped import submission_of
from statsapi.ingest.security import parse_security_reports
from statsapi.ingest.store_body import parse_store
from statsapi.ingest.submission import Sender
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
    submission, identity = submission_of(envelope, Sender(1, "", 0, "", ""), None)
    counts: Counter[str] = Counter()
    for category, quantity in submission.items:
        counts[category] += quantity
    found: dict[str, Any] = {"event_id": identity, "counts": counts}
    if submission.event:
        counts.update({submission.event.category: 1})
        counts.update(submission.event.attached)
    if any(item.type == "client_report" for item in envelope.items):
        found["reports"] = [
            [[row.outcome, row.category, row.reason, row.quantity] for row in report.rows]
            for report in submission.reports
        ]
    if envelope.header.dsn:
        found["dsn_key"] = parse_dsn(envelope.header.dsn).public_key
    return found


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
