"""Batches of OTLP, the protocol of OpenTelemetry: how many log records or spans one holds. Nothing else is read.

The library for protobuf is loaded with the first batch, since it takes 0.15 s and 6 MB that most installations do not
need. JSON is read as JSON, because OTLP writes ids in it as the library does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any

from statsapi.http.errors import RequestError
from statsapi.http.foreign_json import Buffer, as_list, as_mapping, parse_object
from tsdb.outcomes import Category

MOST_GROUPS = 10_000
"""The most resources and scopes of a batch. They are looked at one by one, at a microsecond each."""


class Signal(Enum):
    """What a batch holds: its category, and the names of the lists within one another, in protobuf and in JSON."""

    LOGS = (
        Category.LOG_ITEM,
        ("resource_logs", "scope_logs", "log_records"),
        ("resourceLogs", "scopeLogs", "logRecords"),
    )
    TRACES = (Category.SPAN, ("resource_spans", "scope_spans", "spans"), ("resourceSpans", "scopeSpans", "spans"))

    @property
    def category(self) -> Category:
        """The category of its items."""
        return self.value[0]


_types: dict[Signal, Any] = {}
"""The types of protobuf messages that were loaded."""


def is_loaded(signal: Signal) -> bool:
    """Return whether `load` was called for the signal."""
    return signal in _types


def load(signal: Signal) -> None:
    """Load what reads protobuf. It takes a while, so call it in a thread."""
    if signal is Signal.LOGS:
        from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

        _types[signal] = ExportLogsServiceRequest
    else:
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        _types[signal] = ExportTraceServiceRequest


def in_protobuf(signal: Signal, body: bytes) -> int:
    """Return how many items the batch holds. Raises RequestError 400. `load` comes first."""
    from google.protobuf.message import DecodeError

    resources, scopes, items = signal.value[1]
    try:
        batch = _types[signal].FromString(body)
    except DecodeError:
        cause = "expected protobuf; JSON needs the Content-Type application/json"
        raise _invalid(cause, "invalid") from None
    groups = _bounded(scope for one in getattr(batch, resources) for scope in _itself_and(getattr(one, scopes)))
    return sum(len(getattr(scope, items)) for scope in groups if scope is not None)


def in_json(signal: Signal, body: Buffer) -> int:
    """Return how many items the batch holds. Raises RequestError 400."""
    resources, scopes, items = signal.value[2]
    try:
        batch = parse_object(body)
    except ValueError as error:
        raise _invalid(str(error), "invalid_json") from None
    groups = _bounded(
        scope for one in as_list(batch.get(resources)) for scope in _itself_and(as_list(as_mapping(one).get(scopes)))
    )
    return sum(len(as_list(as_mapping(scope).get(items))) for scope in groups)


def _itself_and(scopes: Any) -> Iterator[Any]:
    """Yield None for a resource, which costs something without any scope too, and then its scopes."""
    yield None
    yield from scopes


def _bounded(groups: Iterator[Any]) -> Iterator[Any]:
    for number, group in enumerate(groups):
        if number >= MOST_GROUPS:
            raise _invalid(f"more than {MOST_GROUPS} resources and scopes", "too_large")
        yield group


def _invalid(cause: str, reason: str) -> RequestError:
    return RequestError(400, "invalid OTLP data", [cause], reason)
