"""Who may send: where the credentials of a request stand, and what is read before they are known to be good."""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Callable

import pytest

from projects import services
from projects.models import Project, ProjectKey
from tests.asgi import Client
from tests.ingest.conftest import Sdk
from tests.ingest.counts import total_of
from tsdb.outcomes import Category, Outcome
from tsdb.store import Store

EVENT_ID = "fc6d8c0c43fc4630ad850ee518f1b9d0"
STRANGER = f"Sentry sentry_key={'0' * 32}"
MULTIPLE = "multiple authorization payloads detected"
REJECTED = "event submission rejected with_reason: ProjectId"
Total = Callable[..., int]


def test_an_envelope_may_carry_its_own_credentials(sdk: Sdk, key: ProjectKey, total: Total) -> None:
    dsn = f"http://{key.public}@127.0.0.1:8000/{key.project_id}"
    body = json.dumps({"event_id": EVENT_ID, "dsn": dsn}).encode() + b'\n{"type":"event"}\n{}\n'
    response = sdk.http.post(f"/api/{key.project_id}/envelope/", body, content_type="text/plain")

    assert (response.status_code, response.json()) == (200, {"id": EVENT_ID})
    assert total() == 1


@pytest.mark.parametrize("sender", ["nobody", "stranger", "foreigner", "disabled"])
def test_of_an_envelope_that_nobody_may_send_no_more_than_the_header_is_unpacked(
    client: Client, project: Project, key: ProjectKey, store: Store, sender: str
) -> None:
    """The rest of the body cannot be unpacked, so reading it would be answered 400."""
    public = "0" * 32
    if sender == "foreigner":
        public = services.create_project(organization=project.organization, slug="b", name="B").keys.get().public
    if sender == "disabled":
        public, key.active = key.public, False
        services.save_intake(project, key)
    header = {} if sender == "nobody" else {"dsn": f"https://{public}@stats.example/{project.pk}"}
    body = broken_after(json.dumps(header).encode() + b'\n{"type":"attachment"}\n')
    response = client.post(
        f"/api/{project.pk}/envelope/", body, content_type="text/plain", headers={"content-encoding": "gzip"}
    )

    assert response.status_code == (401 if sender == "nobody" else 403)
    assert total_of(store, project, Category.ERROR, Outcome.INVALID) == 0


def test_an_envelope_that_contradicts_its_request_is_not_unpacked(sdk: Sdk, store: Store, project: Project) -> None:
    body = broken_after(json.dumps({"dsn": f"https://{'0' * 32}@stats.example/{project.pk}"}).encode() + b"\n")

    assert sdk.post("envelope/", body, content_encoding="gzip").status_code == 401
    assert total_of(store, project, Category.ERROR, Outcome.INVALID) == 0


def test_bad_data_of_an_envelope_that_is_signed_inside_is_refused_and_counted(
    client: Client, key: ProjectKey, project: Project, store: Store
) -> None:
    header = {"dsn": f"https://{key.public}@stats.example/{project.pk}"}
    for body, headers in (
        (json.dumps(header).encode() + b"\nno item\n", {}),
        (broken_after(json.dumps(header).encode() + b"\n"), {"content-encoding": "gzip"}),
    ):
        response = client.post(f"/api/{project.pk}/envelope/", body, content_type="text/plain", headers=headers)
        assert response.status_code == 400
    assert total_of(store, project, Category.ERROR, Outcome.INVALID) == 2


def broken_after(beginning: bytes) -> bytes:
    """Return gzip that unpacks to the beginning and more, and whose end is garbage."""
    packed = zlib.compress(beginning + random.Random(1).randbytes(200_000), 9, wbits=31)
    return packed[:-20] + bytes(20)


def test_credentials_may_stand_in_the_query(sdk: Sdk, key: ProjectKey, total: Total) -> None:
    url = f"/api/{key.project_id}/store/?sentry_version=7&sentry_client=raven-js/3.0&sentry_key={key.public}"
    response = sdk.http.post(url, b'{"message": "hello"}', content_type="text/plain")

    assert response.status_code == 200
    assert total() == 1


@pytest.mark.parametrize(
    ("number", "query", "headers", "status", "detail"),
    [
        ("1", "", {}, 401, "missing authorization information"),
        ("1", "sentry_key=a", {"x-sentry-auth": "Sentry sentry_key=a"}, 401, MULTIPLE),
        ("1", "", {"x-sentry-auth": "Sentry"}, 401, "bad x-sentry-auth header"),
        ("1", "", {"x-sentry-auth": f"{STRANGER}, sentry_version=9"}, 400, "unsupported protocol version (9)"),
        ("x", "", {}, 400, "bad project path parameter"),
        ("1", "", {"x-sentry-auth": STRANGER}, 403, REJECTED),
        ("999", "", {"x-sentry-auth": STRANGER}, 403, REJECTED),
    ],
)  # fmt: skip
def test_credentials_that_do_not_hold_are_refused(
    project: Project, client: Client, number: str, query: str, headers: dict[str, str], status: int, detail: str
) -> None:
    path = f"/api/{number}/envelope/?{query}"
    response = client.post(path, b"{}\n", content_type="text/plain", headers=headers)

    assert (response.status_code, response.json()["detail"]) == (status, detail)
