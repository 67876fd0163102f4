"""Logs and traces of OpenTelemetry, in protobuf and JSON. The bytes are written here, not by the library that reads."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projects.models import Project
from statsapi.ingest.endpoints import otlp
from statsapi.ingest.otlp import MOST_GROUPS, Signal, in_json, in_protobuf, load
from statsapi.ingest.turns import LARGE_BYTES
from tests.asgi import Client
from tests.ingest.bounds import status_of
from tests.ingest.conftest import Sdk
from tests.ingest.counts import total_of
from tests.servers import ROOT
from tsdb.outcomes import Category, Outcome
from tsdb.store import Store

LOGS, TRACES = "integration/otlp/v1/logs", "integration/otlp/v1/traces"
PROTOBUF = "application/x-protobuf"
Total = Callable[..., int]


def message(number: int, *parts: bytes) -> bytes:
    """Return a field that holds a message or a text."""
    content = b"".join(parts)
    size, length = len(content), b""
    while size > 127:
        length += bytes([size & 127 | 128])
        size >>= 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + content


RESOURCE = message(1, message(1, message(1, b"service.name"), message(2, message(1, b"shop"))))
RECORD = message(2, b"\x09" + bytes(8), message(3, b"INFO"), message(5, message(1, b"a line")))
SPAN = message(2, message(1, bytes(16)), message(2, bytes(8)), message(5, b"GET /"))


def batch(item: bytes, *scopes: int) -> bytes:
    """Return a batch with a resource for each number, in whose only scope there are so many items."""
    return b"".join(
        message(1, RESOURCE, message(2, message(1, message(1, b"scope")), item * number)) for number in scopes
    )


def as_json(resources: str, scopes: str, items: str, *numbers: int) -> bytes:
    lists = [{"resource": {}, scopes: [{"scope": {}, items: [{"traceId": "5b8efff7"}] * number}]} for number in numbers]
    return json.dumps({resources: lists}).encode()


def send(sdk: Sdk, endpoint: str, body: bytes, content_type: str = PROTOBUF, **headers: str) -> Any:
    """Send as the documentation tells users of an exporter to: without a version, and `sentry` in lower case."""
    return sdk.post(endpoint, body, content_type, x_sentry_auth=f"sentry sentry_key={sdk.key.public}", **headers)


@pytest.mark.parametrize("slash", ["", "/"])
def test_each_log_record_and_each_span_of_protobuf_counts(
    sdk: Sdk, store: Store, project: Project, total: Total, slash: str
) -> None:
    for endpoint, body in ((LOGS, batch(RECORD, 3, 0, 2)), (TRACES, batch(SPAN, 4, 300))):
        response = send(sdk, endpoint + slash, body)
        assert (response.status_code, response.content, response["Content-Type"]) == (200, b"", PROTOBUF)
    assert total_of(store, project, Category.LOG_ITEM, Outcome.ACCEPTED) == 5
    assert total_of(store, project, Category.SPAN, Outcome.ACCEPTED) == 304
    assert total() == 0


def test_each_log_record_and_each_span_of_json_counts(sdk: Sdk, store: Store, project: Project) -> None:
    logs = as_json("resourceLogs", "scopeLogs", "logRecords", 2, 1)
    spans = as_json("resourceSpans", "scopeSpans", "spans", 0, 5)
    for endpoint, body in ((LOGS, logs), (TRACES, spans)):
        response = send(sdk, endpoint, body, "application/json; charset=utf-8")
        assert (response.status_code, response.content, response["Content-Type"]) == (200, b"{}", "application/json")
    assert total_of(store, project, Category.LOG_ITEM, Outcome.ACCEPTED) == 3
    assert total_of(store, project, Category.SPAN, Outcome.ACCEPTED) == 5


def test_traces_may_be_sent_to_the_address_that_was_before_integrations(
    sdk: Sdk, store: Store, project: Project
) -> None:
    for slash in ("", "/"):
        assert send(sdk, f"otlp/v1/traces{slash}", batch(SPAN, 4)).status_code == 200
    assert total_of(store, project, Category.SPAN, Outcome.ACCEPTED) == 8


def test_a_batch_may_be_compressed_and_empty(sdk: Sdk, store: Store, project: Project) -> None:
    assert send(sdk, LOGS, gzip.compress(batch(RECORD, 7)), content_encoding="gzip").status_code == 200
    assert send(sdk, TRACES, b"").status_code == 200
    assert send(sdk, TRACES, b"{}", "application/json").status_code == 200
    assert total_of(store, project, Category.LOG_ITEM, Outcome.ACCEPTED) == 7
    assert total_of(store, project, Category.ERROR, Outcome.INVALID) == 0


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"{}", PROTOBUF),
        (batch(RECORD, 2)[:-1], PROTOBUF),
        (message(1, b"") * (MOST_GROUPS + 1), PROTOBUF),
        (message(1, message(2, b"") * MOST_GROUPS), PROTOBUF),
        (batch(RECORD, 2), "application/json"),
        (b"[]", "application/json"),
        (b'{"resourceLogs":[' + b"{}," * MOST_GROUPS + b"{}]}", "application/json"),
    ],
)
def test_what_is_no_batch_is_invalid(sdk: Sdk, store: Store, project: Project, body: bytes, content_type: str) -> None:
    response = send(sdk, LOGS, body, content_type)
    assert (response.status_code, json.loads(response.content)["detail"]) == (400, "invalid OTLP data")
    assert total_of(store, project, Category.ERROR, Outcome.INVALID) == 1


def test_a_batch_has_the_limit_of_what_is_parsed(sdk: Sdk) -> None:
    response = send(sdk, TRACES, gzip.compress(bytes(1024 * 1024 + 1)), content_encoding="gzip")
    assert response.status_code == 413
    assert b"INGEST_MAX_ITEM_BYTES" in response.content


@pytest.mark.parametrize("body", [message(1, b"") * 2000, b'{"resourceLogs":[' + b"{}," * 2000 + b"{}]}"])
def test_a_batch_of_resources_without_content_waits_for_its_turn(
    sdk: Sdk, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    async def noted(size: int, function: Callable[..., int], *arguments: Any) -> int:
        sizes.append(size)
        return function(*arguments)

    sizes: list[int] = []
    monkeypatch.setattr(otlp, "in_turn", noted)
    assert send(sdk, LOGS, body, "application/json" if body.startswith(b"{") else PROTOBUF).status_code == 200
    assert sizes[0] > LARGE_BYTES


def test_the_key_is_asked_for_before_the_body() -> None:
    assert Client().post(f"/api/1/{LOGS}", b"x", content_type=PROTOBUF).status_code == 401


@given(st.binary(max_size=100) | st.lists(st.sampled_from([RESOURCE, RECORD, batch(RECORD, 1)])).map(b"".join))
def test_any_bytes_are_counted_or_refused(body: bytes) -> None:
    for signal in Signal:
        load(signal)
        assert status_of(partial(in_protobuf, signal, body)) in {200, 400}
        assert status_of(partial(in_json, signal, body)) in {200, 400}


@given(st.recursive(st.none() | st.just("resourceLogs"), lambda inner: st.lists(inner) | st.dictionaries(
    st.sampled_from(["resourceLogs", "scopeLogs", "logRecords", "spans"]), inner), max_leaves=20))  # fmt: skip
def test_any_json_is_counted_or_refused(value: object) -> None:
    assert status_of(lambda: in_json(Signal.LOGS, json.dumps(value).encode())) in {200, 400}


def test_the_library_is_not_loaded_before_a_batch_needs_it() -> None:
    code = (
        "import sys, django; django.setup(); import statsapi.ingest.app, statsapi.ingest.addresses; "
        "print([one for one in sys.modules if one.startswith(('opentelemetry.', 'google.protobuf'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"DJANGO_SETTINGS_MODULE": "statsapi.settings", "DEBUG": "1", "PATH": "", "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout == "[]\n"
