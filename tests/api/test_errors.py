"""The exact body of every error, by which clients tell them apart."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.conf import LazySettings
from django.middleware.security import SecurityMiddleware
from django.test import Client
from redis.exceptions import ConnectionError as RedisConnectionError

from projects.connections import get_store
from projects.models import Project
from tests.api.live import OUTCOMES, STATS, start_live_server
from tests.servers import free_port
from tsdb.store import Store

pytestmark = pytest.mark.django_db

NO_OBJECT = {"detail": "The requested resource does not exist"}
NO_JSON = {"detail": "The body is not valid JSON."}
NO_REDIS = {"detail": "The counts cannot be reached right now. Try again in a moment."}
NO_DATABASE = {"detail": "The database cannot be reached right now. Try again in a moment."}
SECRET = "what-nobody-may-see"


class Case(NamedTuple):
    status: int
    answer: Any
    path: str = STATS
    method: str = "GET"
    body: str = ""
    headers: dict[str, str] = {}


CASES = {
    "no credentials": Case(
        401, {"detail": "Authentication credentials were not provided."}, headers={"authorization": ""}
    ),
    "unknown token": Case(401, {"detail": "Invalid token"}, headers={"authorization": "Bearer sta_x"}),
    "no such object": Case(404, NO_OBJECT, "/api/0/projects/acme/missing/stats/"),
    "no such organization": Case(404, NO_OBJECT, "/api/0/projects/missing/web/stats/"),
    "no such route": Case(404, NO_OBJECT, "/api/0/nothing/"),
    "no such route, with or without a slash": Case(404, NO_OBJECT, "/api/0/nothing"),
    "no such route of intake": Case(404, NO_OBJECT, "/api/1/nothing"),
    "no trailing slash": Case(
        404, {"detail": f"Route not found, did you forget a trailing slash? try: {STATS}"}, STATS.rstrip("/")
    ),
    "no trailing slash, POST": Case(
        404,
        {"detail": f"Route not found, did you forget a trailing slash? try: {OUTCOMES}"},
        OUTCOMES.rstrip("/"),
        "POST",
        '{"outcomes": []}',
    ),
    "no such method": Case(405, {"detail": 'Method "POST" not allowed.'}, method="POST"),
    "no such method, by GET": Case(405, {"detail": 'Method "GET" not allowed.'}, OUTCOMES),
    "no such stat": Case(400, {"detail": "Invalid stat: visits"}, f"{STATS}?stat=visits"),
    "no such environment": Case(404, NO_OBJECT, f"{STATS}?stat=generated&environment=x"),
    "no such resolution": Case(400, {"detail": "Invalid resolution"}, f"{STATS}?resolution=2h"),
    "bad until": Case(400, {"detail": "until must be a numeric timestamp."}, f"{STATS}?until=nan"),
    "bad since": Case(400, {"detail": "since must be a numeric timestamp."}, f"{STATS}?since=2018-11-06"),
    "since after until": Case(
        400, {"detail": "start must be before or equal to end"}, f"{STATS}?since=1541455201&until=1541455200"
    ),
    "too many points": Case(
        400,
        {"detail": "The query would need 31536001 points at 10s; the limit is 10000. Resolutions that fit: 86400s."},
        f"{STATS}?since=1226095200&until=1541455200&resolution=10s",
    ),
    "too many points at any resolution": Case(
        400,
        {"detail": "The query would need 17840 points at 86400s; the limit is 10000. Ask for a shorter range."},
        f"{STATS}?since=0&until=1541289600",
    ),
    "bad host": Case(
        400,
        {"detail": "Invalid Host header. ALLOWED_HOSTS names the hosts that are served."},
        headers={"host": "elsewhere.example"},
    ),
    "no body": Case(400, NO_JSON, OUTCOMES, "POST"),
    "a body that is no JSON": Case(400, NO_JSON, OUTCOMES, "POST", '{"outcomes"'),
    "a body that misses its field": Case(
        400,
        {"outcomes": ['This field is required: {"outcomes": [{"outcome": "accepted"}, …]}.']},
        OUTCOMES,
        "POST",
        "{}",
    ),
    "a body too large": Case(
        413,
        {"detail": "The body is larger than 1048576 bytes."},
        OUTCOMES,
        "POST",
        " " * 1048577,
    ),
    "renamed": Case(
        302,
        {
            "slug": "web",
            "detail": {
                "code": "resource-moved",
                "message": "Resource has been moved",
                "extra": {"url": f"{STATS}?stat=rejected", "slug": "web"},
            },
        },
        "/api/0/projects/acme/old/stats/?stat=rejected",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_error_has_its_shape(api: Client, renamed_project: Project, case: Case) -> None:
    response = api.generic(case.method, case.path, case.body, "text/plain", headers=case.headers)
    assert (response.status_code, response.json()) == (case.status, case.answer)
    assert response["Content-Type"] == "application/json"
    assert ("WWW-Authenticate" in response) == (case.status == 401)


def test_a_missing_scope_has_its_shape(make_api: Any, project: Project) -> None:
    response = make_api("org:admin").get(STATS)
    detail = "You do not have permission to perform this action."
    assert (response.status_code, response.json()) == (403, {"detail": detail})


def test_a_used_idempotency_key_has_its_shape(api: Client, project: Project) -> None:
    for quantity in (1, 2):
        response = api.post(
            OUTCOMES,
            {"outcomes": [{"outcome": "accepted", "quantity": quantity}]},
            "application/json",
            headers={"idempotency-key": "k"},
        )
    assert (response.status_code, response.json()) == (
        409,
        {"detail": "This Idempotency-Key was used with another body."},
    )


def fails(*args: Any, **kwargs: Any) -> None:
    raise RuntimeError(SECRET)


@pytest.mark.parametrize(
    "where", [(Store, "get_added"), (SecurityMiddleware, "process_request")], ids=["view", "outer"]
)
def test_a_failure_tells_an_id_that_the_log_has_too_and_nothing_else(
    api: Client,
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    where: tuple[type, str],
) -> None:
    monkeypatch.setattr(*where, fails)
    api.raise_request_exception = False
    with caplog.at_level(logging.ERROR):
        response = api.get(STATS)
    assert response.status_code == 500
    answer = response.json()
    assert answer == {"detail": "Internal Error", "errorId": answer["errorId"]}
    assert re.fullmatch("[0-9a-f]{32}", answer["errorId"])
    assert SECRET not in str(response.items())
    wanted = {
        "Content-Type": "application/json",
        "Content-Length": str(len(response.content)),
        "Vary": "Accept-Language, Cookie",
        "X-Frame-Options": "deny",
        "X-Content-Type-Options": "nosniff",
    }
    assert {name: response.get(name) for name in wanted} == wanted
    [record] = [record for record in caplog.records if record.name == "statsapi.http.failures"]
    assert record.error_id == answer["errorId"]  # type: ignore[attr-defined]
    assert record.exc_info
    assert SECRET in str(record.exc_info[1])


def test_redis_that_fails_before_any_view_is_503(
    api: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*args: Any) -> None:
        raise RedisConnectionError

    monkeypatch.setattr(SecurityMiddleware, "process_request", fails)
    api.raise_request_exception = False
    response = api.get(STATS)
    assert (response.status_code, response.json(), response["Retry-After"]) == (503, NO_REDIS, "1")


@pytest.fixture
def nowhere(settings: LazySettings) -> str:
    """Return the URL of a Redis that does not exist."""
    settings.TSDB_IS_EMBEDDED = settings.CACHE_IS_EMBEDDED = False
    return f"redis://127.0.0.1:{free_port()}/0"


@pytest.fixture
def store_is_down(settings: LazySettings, nowhere: str) -> Iterator[None]:
    settings.TSDB_URL = nowhere
    get_store.cache_clear()
    yield
    get_store.cache_clear()


@pytest.fixture
def cache_is_down(settings: LazySettings, nowhere: str) -> None:
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": nowhere}}
    settings.API_RATE_LIMIT = (5, 3600)


@pytest.mark.parametrize("down", ["store_is_down", "cache_is_down"])
@pytest.mark.parametrize("path", [STATS, OUTCOMES])
def test_redis_that_cannot_be_reached_is_503(
    api: Client, project: Project, request: pytest.FixtureRequest, down: str, path: str
) -> None:
    request.getfixturevalue(down)
    body = {"outcomes": [{"outcome": "accepted"}]}
    response = api.get(path) if path == STATS else api.post(path, body, "application/json")
    assert (response.status_code, response.json()) == (503, NO_REDIS)
    assert (response["Retry-After"], response["Content-Type"]) == ("1", "application/json")


def test_a_database_that_cannot_be_reached_is_503(tmp_path: Path) -> None:
    url = f"postgres://nobody:{SECRET}@127.0.0.1:{free_port()}/nothing"
    server = start_live_server("granian", tmp_path, set_up=False, DATABASE_URL=url)
    try:
        answer = server.request("GET", STATS)
    finally:
        server.stop()
    assert (answer.status, answer.json()) == (503, NO_DATABASE)
    assert (answer.headers["Retry-After"], answer.headers["Content-Type"]) == ("1", "application/json")
    log = server.log.read_text()
    assert "OperationalError" in log
    assert SECRET not in log
