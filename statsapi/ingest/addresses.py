"""The addresses of intake: which endpoint a path leads to (docs/contract.md#intake-endpoints).

A DSN may have a path, `https://<key>@<host>/some/path/7`. SDKs then send to `/some/path/api/7/envelope/`, and a proxy
may cut off the prefix, or all of it but a slash. So the end of a path decides, and slashes that are doubled count as
one. An address of the API or of a page is never taken for one of intake, whatever names it holds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from django.urls import is_valid_path

from statsapi.ingest.answers import Answer
from statsapi.ingest.endpoints import cron, envelope, loader, minidump, nel, otlp, security, store, unreal
from statsapi.ingest.request import Request

LONGEST_PATH = 1024
"""The longest path, in characters, that is looked into for a prefix or for doubled slashes."""


class Endpoint(NamedTuple):
    """An endpoint of intake. `name` stands in metrics."""

    name: str
    methods: tuple[str, ...]
    answer: Callable[[Request], Awaitable[Answer]]


Found = tuple[Endpoint, Mapping[str, str]]
"""An endpoint, and what the path says for each name in braces of its address."""

_POST = ("POST",)
_SECURITY = Endpoint("security", _POST, security.security)
_CRON = Endpoint("cron", ("GET", "POST"), cron.cron)
_OTLP_TRACES = Endpoint("otlp-traces", _POST, otlp.traces)
ENDPOINTS = {
    "/api/{project_id}/envelope/": Endpoint("envelope", _POST, envelope.envelope),
    "/api/{project_id}/store/": Endpoint("store", ("POST", "GET"), store.store),
    "/api/store/": Endpoint("store-of-key", ("POST", "GET"), store.store_of_key),
    "/api/{project_id}/security/": _SECURITY,
    "/api/{project_id}/csp-report/": _SECURITY._replace(name="csp-report"),
    "/api/{project_id}/nel/": Endpoint("nel", _POST, nel.nel),
    "/api/{project_id}/minidump/": Endpoint("minidump", _POST, minidump.minidump),
    "/api/{project_id}/unreal/{key}/": Endpoint("unreal", _POST, unreal.unreal),
    "/api/{project_id}/cron/{monitor}/": _CRON,
    "/api/{project_id}/cron/{monitor}/{key}/": _CRON,
    "/api/{project_id}/integration/otlp/v1/logs/": Endpoint("otlp-logs", _POST, otlp.logs),
    "/api/{project_id}/integration/otlp/v1/traces/": _OTLP_TRACES,
    "/api/{project_id}/otlp/v1/traces/": _OTLP_TRACES,
    "/js-sdk-loader/{file}": Endpoint("js-sdk-loader", ("GET",), loader.loader),
}
"""The endpoints by their addresses. The last slash may be missing."""

_Parts = tuple[str, ...]
_usual: dict[str, Endpoint] = {}
"""The endpoints by what follows the project's id, for those that have no other name in their address."""
_by_length: dict[int, list[tuple[_Parts, Endpoint]]] = defaultdict(list)
for _address, _endpoint in ENDPOINTS.items():
    _parts = tuple(_address.strip("/").split("/"))
    _by_length[len(_parts)].append((_parts, _endpoint))
    _rest = _address.removeprefix("/api/{project_id}/")
    if "{" not in _rest:
        _usual[_rest] = _usual[_rest.rstrip("/")] = _endpoint
_MOST_PARTS = max(_by_length)


def endpoint_of(path: str) -> Found | None:
    """Return the endpoint at a path; None if there is none. The path is asked for before anything else is known."""
    if path.startswith("/api/"):
        project, _, rest = path[5:].partition("/")
        endpoint = _usual.get(rest)
        if endpoint and project:
            return endpoint, {"project_id": project}
        if project == "0":  # the API
            return None
    return _with_prefix(path) if "/api/" in path or path.startswith("/js-sdk-loader/") else None


def _with_prefix(path: str) -> Found | None:
    if len(path) > LONGEST_PATH:
        return None
    segments = [segment for segment in path.split("/") if segment]
    if segments[:2] == ["api", "0"]:
        return None
    for start in range(max(0, len(segments) - _MOST_PARTS), len(segments)):
        if start == 0 or segments[start] == "api":
            found = _matching(segments[start:])
            if found and (start == 0 or _may_have_prefix(found[1], segments)):
                return found
    return None


def _matching(segments: Sequence[str]) -> Found | None:
    for parts, endpoint in _by_length.get(len(segments), ()):
        words = {}
        for part, segment in zip(parts, segments, strict=True):
            if part.startswith("{"):
                words[part[1:-1]] = segment
            elif part != segment:
                break
        else:
            return endpoint, words
    return None


def _may_have_prefix(words: Mapping[str, str], segments: Sequence[str]) -> bool:
    """Return whether the project id is a number, and no page of this service is at the path."""
    project = words.get("project_id", "0")
    return project.isascii() and project.isdigit() and not _is_page(f"/{'/'.join(segments)}/")


@lru_cache(maxsize=1000)
def _is_page(path: str) -> bool:
    """Return whether Django has a view at the path. An organization may be called api, and a project store."""
    return bool(is_valid_path(path))
