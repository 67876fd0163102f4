"""Check-ins by address, network errors, crashes of Unreal Engine, and the loader that is not there."""

from __future__ import annotations

import gzip
import json
import uuid
from collections.abc import Callable

import pytest

from projects import services
from projects.models import Project, ProjectFilters, ProjectKey
from statsapi.ingest.credentials import UNKNOWN_KEY
from statsapi.ingest.endpoints.nel import MOST_REPORTS
from tests.asgi import Client
from tests.ingest.conftest import Sdk
from tests.ingest.counts import total_of
from tsdb.outcomes import Category, Outcome
from tsdb.store import Store

Total = Callable[..., int]


@pytest.fixture
def of(store: Store, project: Project) -> Callable[..., int]:
    def read(category: Category, outcome: Outcome = Outcome.ACCEPTED) -> int:
        return total_of(store, project, category, outcome)

    return read


@pytest.mark.parametrize("status", ["ok", "error", "in_progress"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_check_in_is_a_monitor_and_no_error(
    key: ProjectKey, of: Callable[..., int], total: Total, status: str, method: str
) -> None:
    path = f"/api/{key.project_id}/cron/nightly-backup/{key.public}/?status={status}&duration=3"
    response = getattr(Client(), method)(path)
    assert (response.status_code, response.content) == (202, b"{}")
    assert (of(Category.MONITOR), total()) == (1, 0)


def test_a_check_in_may_have_its_credentials_in_a_header_or_the_query(
    sdk: Sdk, key: ProjectKey, of: Callable[..., int]
) -> None:
    assert sdk.post("cron/nightly?status=ok", b'{"monitor_config": {}}').status_code == 202
    assert sdk.http.get(f"/api/{key.project_id}/cron/nightly/?status=ok&sentry_key={key.public}").status_code == 202
    assert sdk.post(f"cron/nightly/{key.public}?status=ok", b"").status_code == 202
    assert of(Category.MONITOR) == 3


@pytest.mark.parametrize("query", ["", "?status=", "?duration=3"])
def test_the_status_of_a_check_in_may_be_in_a_body_that_configures_the_monitor(
    key: ProjectKey, of: Callable[..., int], query: str
) -> None:
    path = f"/api/{key.project_id}/cron/nightly/{key.public}/{query}"
    for status in ("ok", "error", "in_progress"):
        body = json.dumps({"status": status, "monitor_config": {"schedule": {"type": "crontab", "value": "0 3 * * *"}}})
        assert Client().post(path, body, content_type="application/json").status_code == 202
    packed = gzip.compress(b'{"status": "ok"}')
    assert Client().post(path, packed, content_type="", headers={"content-encoding": "gzip"}).status_code == 202
    assert (of(Category.MONITOR), of(Category.ERROR, Outcome.INVALID)) == (4, 0)


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"status=ok", b'{"status": "missed"}', b'{"status": ["ok"]}', b'{"state": "ok"}']
)
def test_a_body_without_a_good_status_is_no_check_in(key: ProjectKey, of: Callable[..., int], body: bytes) -> None:
    path = f"/api/{key.project_id}/cron/nightly/{key.public}/"
    response = Client().post(path, body, content_type="application/json")
    assert (response.status_code, response.json()["detail"]) == (400, "invalid check-in status")
    assert (of(Category.MONITOR), of(Category.ERROR, Outcome.INVALID)) == (0, 1)
    assert Client().post(f"{path}?status=ok", body, content_type="application/json").status_code == 202


def test_the_body_of_a_check_in_is_bounded(key: ProjectKey, of: Callable[..., int]) -> None:
    path = f"/api/{key.project_id}/cron/nightly/{key.public}/"
    body = json.dumps({"status": "ok", "contexts": "x" * 300_000})
    response = Client().post(path, body, content_type="application/json")
    assert response.status_code == 413
    assert "INGEST_MAX_STORE_BYTES" in response.json()["detail"]
    assert (of(Category.MONITOR), of(Category.ERROR, Outcome.INVALID)) == (0, 1)


@pytest.mark.parametrize("query", ["", "?status=", "?status=missed", "?status=OK", "?state=ok", "?" + "a=b&" * 200])
def test_a_check_in_without_a_good_status_is_told_what_to_send(
    key: ProjectKey, of: Callable[..., int], query: str
) -> None:
    response = Client().get(f"/api/{key.project_id}/cron/nightly/{key.public}/{query}")
    assert (response.status_code, response.json()["detail"]) == (400, "invalid check-in status")
    assert "ok, error, in_progress" in response.json()["causes"][0]
    assert (of(Category.MONITOR), of(Category.ERROR, Outcome.INVALID)) == (0, 1)


def test_a_check_in_needs_a_key_that_may_send(sdk: Sdk, key: ProjectKey, of: Callable[..., int]) -> None:
    path = f"/api/{key.project_id}/cron/nightly/"
    assert Client().get(f"{path}?status=ok").status_code == 401
    for bad in ("0" * 32, "nonsense"):
        response = Client().get(f"{path}{bad}/?status=ok")
        assert (response.status_code, response.json()["causes"]) == (403, [UNKNOWN_KEY])
    assert sdk.post(f"cron/nightly/{'0' * 32}/?status=ok", b"").status_code == 401  # two keys
    assert sdk.http.get(f"/api/web/cron/nightly/{key.public}/?status=ok").status_code == 400
    assert sdk.http.put(f"{path}{key.public}/?status=ok").status_code == 405
    assert of(Category.MONITOR) == 0


def test_each_network_error_is_a_log_item(key: ProjectKey, of: Callable[..., int], total: Total) -> None:
    reports: list[object] = [{"type": "network-error", "body": {"type": "dns.name_not_resolved"}}] * 3
    reports += [{"type": "deprecation", "body": {}}, "none", {"type": ["network-error"]}]
    response = Client().post(
        f"/api/{key.project_id}/nel/?sentry_key={key.public}",
        json.dumps(reports),
        content_type="application/reports+json",
    )
    assert (response.status_code, response.json()) == (200, {})
    assert (of(Category.LOG_ITEM), total()) == (3, 0)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "empty request body"),
        (b"{}", "invalid JSON data"),
        (b"[", "invalid JSON data"),
        (b"[" + b"{}," * MOST_REPORTS + b"{}]", "invalid JSON data"),
    ],
)
def test_what_is_no_list_of_reports_is_invalid(sdk: Sdk, of: Callable[..., int], body: bytes, detail: str) -> None:
    response = sdk.post("nel/", body)
    assert (response.status_code, json.loads(response.content)["detail"]) == (400, detail)
    assert of(Category.ERROR, Outcome.INVALID) == 1


def test_a_crash_of_unreal_is_an_error_and_answered_with_a_uuid_in_plain_text(key: ProjectKey, total: Total) -> None:
    path = f"/api/{key.project_id}/unreal/{key.public}/?UserID=someone"
    ids = set()
    for headers, body in (({}, b"\x78\xda" + bytes(3_000_000)), ({"content-encoding": "gzip"}, gzip.compress(b"CR1"))):
        response = Client().post(path, body, content_type="application/octet-stream", headers=headers)
        assert (response.status_code, response["Content-Type"]) == (200, "text/plain; charset=utf-8")
        ids.add(str(uuid.UUID(response.content.decode())))
        assert response.content.decode() in ids
    assert (len(ids), total()) == (2, 2)


def test_a_crash_of_unreal_is_filtered_by_its_address_and_refused_by_a_quota(
    project: Project, key: ProjectKey, total: Total
) -> None:
    path = f"/api/{key.project_id}/unreal/{key.public}/"
    services.save_intake(project, ProjectFilters(project=project, ip_addresses="127.0.0.1"))
    assert Client().post(path, b"x", content_type="text/plain").status_code == 200
    project.filters.ip_addresses = ""
    key.rate_limit_count, key.rate_limit_window = 0, 60
    services.save_intake(project, project.filters, key)
    assert Client().post(path, b"x", content_type="text/plain").status_code == 200  # it would send again
    assert (total("ip-address"), total("rejected"), total("generated")) == (1, 1, 0)


def test_an_empty_crash_of_unreal_is_invalid(key: ProjectKey, of: Callable[..., int]) -> None:
    response = Client().post(f"/api/{key.project_id}/unreal/{key.public}/", b"", content_type="text/plain")
    assert (response.status_code, response.json()["detail"]) == (400, "empty request body")
    assert of(Category.ERROR, Outcome.INVALID) == 1


def test_the_loader_is_not_there_and_says_what_to_do(key: ProjectKey) -> None:
    for name in (key.public, "0" * 32):
        response = Client().get(f"/js-sdk-loader/{name}.min.js")
        assert (response.status_code, response["Access-Control-Allow-Origin"]) == (404, "*")
        assert "Sentry.init" in response.json()["detail"]
