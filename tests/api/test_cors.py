"""CORS: off unless CORS_ORIGINS names the origins that may read, with the settings as a server reads them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client

from projects.models import Project
from tests.api.live import OUTCOMES, STATS, Answer, LiveServer, start_live_server

pytestmark = pytest.mark.once

ALLOWED = "https://dashboard.example"
FOREIGN = "https://elsewhere.example"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    server = start_live_server(
        "granian", tmp_path_factory.mktemp("cors"), CORS_ORIGINS=f"{ALLOWED}, http://localhost:3000"
    )
    yield server
    server.stop()


def cors_of(answer: Answer) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.headers.items() if name.lower().startswith("access-control-")}


def vary_of(answer: Answer) -> list[str]:
    return [name.strip() for name in answer.headers["Vary"].split(",")]


def preflight(server: LiveServer, path: str, origin: str, method: str = "GET") -> Answer:
    return server.request(
        "OPTIONS",
        path,
        authorization="",
        origin=origin,
        access_control_request_method=method,
        access_control_request_headers="authorization",
    )


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_it_is_off_by_default(api: Client, project: Project, method: str) -> None:
    headers = {"origin": ALLOWED, "access-control-request-method": "GET"}
    response = api.generic(method, STATS, headers=headers)
    assert response.status_code == 200
    assert not [name for name in response.headers if name.lower().startswith("access-control-")]
    assert response["Vary"] == "Accept-Language, Cookie"


@pytest.mark.parametrize("origin", [ALLOWED, "http://localhost:3000"])
def test_an_origin_that_is_configured_may_read(server: LiveServer, origin: str) -> None:
    answer = server.request("GET", STATS, origin=origin)
    assert answer.status == 200
    headers = cors_of(answer)
    assert headers["access-control-allow-origin"] == origin
    assert "access-control-allow-credentials" not in headers
    assert vary_of(answer) == ["Accept-Language", "Cookie", "origin"]


@pytest.mark.parametrize(
    ("path", "status"), [(f"{STATS}?stat=x", 400), ("/api/0/projects/acme/no/stats/", 404), ("/api/0/x/", 404)]
)
def test_it_may_read_errors_too(server: LiveServer, path: str, status: int) -> None:
    answer = server.request("GET", path, origin=ALLOWED)
    assert (answer.status, cors_of(answer)["access-control-allow-origin"]) == (status, ALLOWED)


def test_it_may_read_the_headers_that_tell_of_the_series(server: LiveServer) -> None:
    exposed = cors_of(server.request("GET", STATS, origin=ALLOWED))["access-control-expose-headers"].lower().split(", ")
    assert {"x-stats-resolution", "x-stats-retained-since", "link", "retry-after"} <= set(exposed)


def test_its_preflight_is_200_and_empty(server: LiveServer) -> None:
    answer = preflight(server, STATS, ALLOWED)
    assert (answer.status, answer.body) == (200, b"")
    headers = cors_of(answer)
    assert headers["access-control-allow-origin"] == ALLOWED
    assert "authorization" in headers["access-control-allow-headers"]
    assert sorted(headers["access-control-allow-methods"].split(", ")) == ["GET", "HEAD", "OPTIONS"]


@pytest.mark.parametrize(
    "origin", [FOREIGN, "null", f"{ALLOWED}.evil.example", "http://dashboard.example", f"{ALLOWED}:444"]
)
def test_any_other_origin_is_told_nothing(server: LiveServer, origin: str) -> None:
    for answer in (server.request("GET", STATS, origin=origin), preflight(server, STATS, origin)):
        assert answer.status == 200
        assert cors_of(answer) == {}


def test_nobody_may_write_from_another_origin(server: LiveServer) -> None:
    assert "POST" not in cors_of(preflight(server, OUTCOMES, ALLOWED, "POST"))["access-control-allow-methods"]


@pytest.mark.parametrize("path", ["/admin/login/", "/healthz", "/api/docs/"])
def test_only_the_api_is_open(server: LiveServer, path: str) -> None:
    answer = server.request("GET", path, authorization="", origin=ALLOWED)
    assert (answer.status, cors_of(answer)) == (200, {})
