from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from projects.models import Project, ProjectKey
from tests.asgi import Client


@pytest.fixture
def key(project: Project) -> ProjectKey:
    return project.keys.get()


class Sdk:
    """A client that sends as an SDK does, with the credentials of a key."""

    def __init__(self, key: ProjectKey) -> None:
        self.key = key
        self.http = Client(raise_request_exception=False)

    def post(self, endpoint: str, body: bytes, content_type: str = "text/plain", **headers: str) -> Any:
        auth = f"Sentry sentry_key={self.key.public}, sentry_version=7, sentry_client=test/1.0"
        path = f"/api/{self.key.project_id}/{endpoint}"
        return self.http.send(path, body, content_type, **{"x_sentry_auth": auth, **headers})

    def envelope(self, *items: tuple[dict[str, Any], bytes], header: dict[str, Any] | None = None) -> Any:
        return self.post("envelope/", envelope(*items, header=header))

    def event(self, event_id: str | None = None, **fields: Any) -> Any:
        payload = json.dumps({"level": "error", **fields}).encode()
        return self.envelope(({"type": "event"}, payload), header={"event_id": event_id or uuid.uuid4().hex})


def envelope(*items: tuple[dict[str, Any], bytes], header: dict[str, Any] | None = None) -> bytes:
    lines = [json.dumps(header or {}).encode()]
    for item_header, payload in items:
        lines += [json.dumps({**item_header, "length": len(payload)}).encode(), payload]
    return b"\n".join(lines)


@pytest.fixture
def sdk(key: ProjectKey) -> Sdk:
    return Sdk(key)


@pytest.fixture
def total(api: Client) -> Callable[..., int]:
    """Return the sum of a stat over the last 24 hours, read from the stats endpoint."""

    def read(stat: str = "received", **more: str) -> int:
        response = api.get("/api/0/projects/acme/web/stats/", {"stat": stat, **more})
        assert response.status_code == 200, response.content
        return sum(count for _, count in response.json())

    return read


@pytest.fixture
def counted(api: Client) -> Callable[..., dict[str, int]]:
    """Return what was counted of a category, read from `stats_v2`."""

    def read(category: str, by: str = "outcome") -> dict[str, int]:
        query: Any = {"field": "sum(quantity)", "groupBy": by, "category": category, "statsPeriod": "1h"}
        answer = api.get("/api/0/organizations/acme/stats_v2/", query).json()
        return {one["by"][by]: one["totals"]["sum(quantity)"] for one in answer["groups"]}

    return read
