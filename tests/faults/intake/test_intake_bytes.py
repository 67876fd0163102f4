"""Arbitrary bytes at intake: they are counted, refused or passed over, and never answered with 500.

See docs/reliability.md#malformed-envelopes and docs/reliability.md#odd-quantities.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.http import HttpResponse
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from projects.models import Project, ProjectKey
from tests.asgi import Client
from tests.faults.intake.bombs import ENCODINGS, pack
from tsdb.outcomes import Category, Outcome
from tsdb.rollups import LARGEST
from tsdb.series import fact, total
from tsdb.store import Store

pytestmark = pytest.mark.once

GOLDEN = Path(__file__).parents[2] / "golden"
MANIFEST: dict[str, dict[str, Any]] = json.loads((GOLDEN / "manifest.json").read_text())
BODIES = [(GOLDEN / name).read_bytes() for name in sorted(MANIFEST)]
ENDPOINTS = (
    *("envelope/", "store/", "store", "security/", "csp-report/", "nel/", "minidump/"),
    *("integration/otlp/v1/logs", "integration/otlp/v1/traces"),
)
REFUSALS = {400, 401, 403, 413}
NAMES = ("x-sentry-auth", "authorization", "content-encoding", "content-type", "x-forwarded-for", "user-agent", "host")
DEEP = b"[" * 100_000 + b"]" * 100_000

Send = Callable[..., HttpResponse]


@pytest.fixture
def send(project: Project) -> Send:
    key: ProjectKey = project.keys.get()
    client = Client(raise_request_exception=False)

    def send(endpoint: str, body: bytes, **headers: str) -> HttpResponse:
        sent = {"x-sentry-auth": f"Sentry sentry_key={key.public}", **headers}
        return client.generic("POST", f"/api/{key.project_id}/{endpoint}", body, "text/plain", headers=sent)  # type: ignore[return-value]

    return send


def running(store: Store, project: Project) -> dict[tuple[str, str], int]:
    """Return the number of counted events by (category, outcome)."""
    return store.running_totals([project.pk])[project.pk].outcomes


@pytest.mark.parametrize("name", sorted(MANIFEST))
def test_a_golden_body_is_answered_as_its_manifest_says(send: Send, store: Store, project: Project, name: str) -> None:
    endpoint = {"envelopes": "envelope/", "store": "store/", "security": "security/"}[name.partition("/")[0]]
    response = send(endpoint, (GOLDEN / name).read_bytes())

    expected = MANIFEST[name]
    if "dsn_key" in expected:
        assert response.status_code == 401  # its key differs from that of the request
    else:
        assert response.status_code == expected["status"], response.content
    invalid = running(store, project).get(("error", "invalid"), 0)
    assert invalid == (1 if expected["status"] in (400, 413) else 0)


def test_a_million_items_are_413(send: Send) -> None:
    body = pack("gzip", [b"{}\n" + b'{"type":"session"}\n{}\n' * 10**6])
    response = send("envelope/", body, **{"content-encoding": "gzip"})
    assert response.status_code == 413
    assert "INGEST_MAX_ITEMS" in json.loads(response.content)["detail"]


@pytest.mark.parametrize(
    ("endpoint", "body", "status"),
    [
        ("envelope/", b'{"a":' + DEEP + b"}\n", 413),  # too long for a line of headers
        ("envelope/", b'{"a":' + b"[" * 4000 + b"]" * 4000 + b"}\n", 400),
        ("envelope/", b'{}\n{"type":"event"}\n' + DEEP, 200),
        ("envelope/", b'{}\n{"type":"client_report"}\n' + DEEP, 200),
        ("store/", DEEP, 400),
        ("store/", b'{"a":' + DEEP + b"}", 400),
        ("security/", DEEP, 400),
        ("security/", b'{"csp-report":' + DEEP + b"}", 400),
    ],
)
def test_json_nested_a_hundred_thousand_deep_is_no_failure(send: Send, endpoint: str, body: bytes, status: int) -> None:
    assert send(endpoint, body).status_code == status


@pytest.mark.parametrize(
    "name", ["envelopes/event_with_attachments.envelope", "store/event.base64", "security/csp_reporting_api.json"]
)
def test_a_body_cut_anywhere_is_no_failure(send: Send, name: str) -> None:
    endpoint = {"envelopes": "envelope/", "store": "store/", "security": "security/"}[name.partition("/")[0]]
    body = (GOLDEN / name).read_bytes()
    assert send(endpoint, body).status_code == 200
    statuses = {send(endpoint, body[:length]).status_code for length in range(len(body))}
    assert 400 in statuses
    assert statuses <= {200, 400}


def envelope_with(report: object) -> bytes:
    return b'{}\n{"type":"client_report"}\n' + json.dumps(report).encode() + b"\n"


@pytest.mark.parametrize("quantity", [0, -1, 1.5, 10**30, 2**63, "5", True, None, [1]])
def test_a_quantity_that_is_none_is_passed_over(send: Send, store: Store, project: Project, quantity: object) -> None:
    row = {"reason": "sample_rate", "category": "error"}
    rows = [{**row, "quantity": quantity}, {**row, "quantity": 3}]
    assert send("envelope/", envelope_with({"discarded_events": rows})).status_code == 200
    assert running(store, project) == {("error", "client_discard"): 3}


@pytest.mark.parametrize("count", [0, -1, 1.5, 10**30, 2**63, "5", True, None])
def test_an_item_counts_no_more_than_its_bytes_can_hold(
    send: Send, store: Store, project: Project, count: object
) -> None:
    item = json.dumps({"type": "log", "item_count": count}).encode()
    assert send("envelope/", b"{}\n" + item + b"\n0123456789\n").status_code == 200
    assert running(store, project) == {("log_item", "accepted"): 10 if count == 2**63 else 1}


def test_a_count_at_its_largest_stands_still(send: Send, store: Store, project: Project, api: Client) -> None:
    assert send("envelope/", b'{}\n{"type":"event"}\n{}\n').status_code == 200
    key = project.keys.get().pk
    full = [
        total(project.pk, Category.ERROR, Outcome.ACCEPTED),
        fact(project.pk, key, Category.ERROR, Outcome.ACCEPTED),
    ]
    now = int(time.time())
    store.incr(full, now, now=now, amount=LARGEST - 1)
    for _ in range(3):
        assert send("envelope/", b'{}\n{"type":"event"}\n{}\n').status_code == 200
    for resolution in ("1h", "1d"):
        answer = api.get("/api/0/projects/acme/web/stats/", {"stat": "generated", "resolution": resolution}).json()
        assert max(count for _, count in answer) == LARGEST
    assert running(store, project)["error", "accepted"] == LARGEST


broken_golden = st.builds(
    lambda body, place, inserted, removed: (
        body[: place % (len(body) + 1)] + inserted + body[place % (len(body) + 1) + removed :]
    ),
    st.sampled_from(BODIES),
    st.integers(0, 2000),
    st.binary(max_size=8),
    st.integers(0, 8),
)
headers = st.dictionaries(
    st.sampled_from(NAMES),
    st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=60),
    max_size=3,
)
queries = st.text(max_size=30) | st.builds(
    "sentry_key={}&sentry_data={}".format, st.text(max_size=40), st.text(max_size=40)
)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(ENDPOINTS),
    st.binary(max_size=300) | broken_golden,
    st.sampled_from(("", *ENCODINGS)),
    st.booleans(),
)
@example("store/", "\ud800".encode("utf-8", "surrogatepass"), "", False)
def test_any_bytes_of_a_known_sender_are_counted_or_refused(
    send: Send, endpoint: str, body: bytes, encoding: str, packed: bool
) -> None:
    sent = {"content-encoding": encoding} if encoding else {}
    status = send(endpoint, pack(encoding, [body]) if encoding and packed else body, **sent).status_code
    assert status in {200, *REFUSALS}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(ENDPOINTS),
    st.sampled_from(("POST", "GET")),
    st.text(st.characters(exclude_characters="/"), min_size=1, max_size=25) | st.just("1"),
    queries,
    headers,
    st.binary(max_size=100),
)
def test_any_headers_query_and_project_are_counted_or_refused(
    send: Send, endpoint: str, method: str, project: str, query: str, headers: dict[str, str], body: bytes
) -> None:
    if method == "GET" and not endpoint.startswith("store"):
        method = "POST"
    path = f"/api/{quote(project, safe='', errors='replace')}/{endpoint}"
    query = quote(query, safe="=&%", errors="replace")
    response = Client(raise_request_exception=False).generic(
        method, path, body, "text/plain", headers=headers, query_string=query
    )
    assert response.status_code in ({200, 404, *REFUSALS} if project in ("0", "docs", "schema") else {200, *REFUSALS})
