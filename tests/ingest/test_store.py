"""What old clients send to store: envelopes, and events whose address names no project."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from projects import services
from projects.models import Project, ProjectKey
from statsapi.ingest.credentials import UNKNOWN_KEY
from statsapi.ingest.owners import DISABLED_KEY
from tests.asgi import Client
from tests.ingest.conftest import Sdk, envelope

EVENT_ID = "fc6d8c0c43fc4630ad850ee518f1b9d0"
EVENT = json.dumps({"event_id": EVENT_ID, "message": "hello"}).encode()
ENVELOPE = envelope(({"type": "event"}, b"{}"), ({"type": "session"}, b"{}"), header={"event_id": EVENT_ID})
ENVELOPE_TYPE = "application/x-sentry-envelope"
Total = Callable[..., int]


def send(public: str, body: bytes = EVENT, path: str = "/api/store/", content_type: str = "application/json") -> Any:
    auth = f"Sentry sentry_key={public}, sentry_version=2.0, sentry_client=raven/0.1"
    return Client().send(path, body, content_type, x_sentry_auth=auth)


@pytest.mark.parametrize("kind", [ENVELOPE_TYPE, "Application/X-Sentry-Envelope; charset=utf-8"])
def test_an_envelope_that_was_sent_to_store_is_read_as_one(key: ProjectKey, total: Total, kind: str) -> None:
    response = send(key.public, ENVELOPE, f"/api/{key.project_id}/store/", kind)
    assert (response.status_code, json.loads(response.content)) == (200, {"id": EVENT_ID})
    assert total() == 1


def test_an_envelope_without_its_type_is_no_event(sdk: Sdk, total: Total) -> None:
    assert sdk.post("store/", ENVELOPE).status_code == 400
    assert total() == 0


@pytest.mark.parametrize("path", ["/api/store/", "/api/store", "/some/path/api/store/"])
def test_an_event_without_a_project_in_its_address_is_counted_for_that_of_its_key(
    key: ProjectKey, total: Total, path: str
) -> None:
    services.create_project(organization=key.project.organization, slug="other", name="Other")
    response = send(key.public, path=path)
    assert (response.status_code, json.loads(response.content)) == (200, {"id": EVENT_ID})
    assert total() == 1


def test_an_envelope_without_a_project_in_its_address_is_counted_too(key: ProjectKey, total: Total) -> None:
    assert send(key.public, ENVELOPE, content_type=ENVELOPE_TYPE).status_code == 200
    assert total() == 1


def test_an_event_in_the_address_without_a_project_is_answered_with_a_pixel(key: ProjectKey, total: Total) -> None:
    response = Client().get("/api/store/", {"sentry_key": key.public, "sentry_data": EVENT.decode()})
    assert (response.status_code, response["Content-Type"]) == (200, "image/gif")
    assert total() == 1


def test_bad_data_without_a_project_in_its_address_is_invalid(key: ProjectKey, total: Total) -> None:
    assert send(key.public, b"nothing").status_code == 400
    assert total() == 0


def test_a_key_that_may_not_send_is_told_why(project: Project, key: ProjectKey) -> None:
    assert send("0" * 32).json()["causes"] == [UNKNOWN_KEY]
    assert Client().post("/api/store/", EVENT, content_type="text/plain").status_code == 401
    key.active = False
    services.save_intake(project, key)
    response = send(key.public)
    assert (response.status_code, response.json()["causes"]) == (403, [DISABLED_KEY])
