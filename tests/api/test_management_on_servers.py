"""CSV and writes through real web servers, granian and uvicorn: HEAD, long answers, bodies without a length."""

from __future__ import annotations

import csv
import io
import json
import time

import pytest

from tests.api.live import OUTCOMES, STATS, LiveServer

pytestmark = pytest.mark.once

PROJECTS = "/api/0/organizations/acme/projects/"
KEYS = "/api/0/projects/acme/web/keys/"
TABLES = [
    f"{STATS}?format=csv&until=1541455200",
    "/api/0/organizations/acme/stats/?format=csv&until=1541455200",
    "/api/0/organizations/acme/stats/?format=csv&until=1541455200&group=project",
    "/api/0/organizations/acme/stats-summary/?field=sum(quantity)&download=1",
]


@pytest.mark.parametrize("path", TABLES)
def test_a_table_comes_whole_and_head_is_the_same_without_it(live: LiveServer, path: str) -> None:
    live.request("POST", OUTCOMES, b'{"outcomes": [{"outcome": "accepted"}]}')
    got, head = live.request("GET", path), live.request("HEAD", path)
    assert (got.status, got.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
    rows = list(csv.reader(io.StringIO(got.body.decode())))
    assert len(rows) > 1
    assert len({len(row) for row in rows}) == 1
    assert head.status == 200
    assert head.body == b""

    def headers(answer: object) -> dict[str, str]:
        named = {name.lower(): value for name, value in answer.headers.items()}  # type: ignore[attr-defined]
        return {name: value for name, value in named.items() if name not in ("date", "connection")}

    assert headers(head) == headers(got)


@pytest.mark.parametrize("path", TABLES)
def test_nothing_follows_the_headers_of_head(live: LiveServer, path: str) -> None:
    request = (
        f"HEAD {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {live.token}\r\nConnection: close\r\n\r\n"
    )
    received = live.exchange(request.encode())
    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.endswith(b"\r\n\r\n")
    assert received.count(b"\r\n\r\n") == 1


def test_the_longest_table_comes_whole(live: LiveServer) -> None:
    now = int(time.time())
    answer = live.request("GET", f"{STATS}?format=csv&resolution=10s&since={now - 99_000}&until={now}")
    assert answer.status == 200
    assert answer.body.count(b"\n") == 9902


def test_a_project_is_made_changed_and_deleted_with_chunked_bodies(live: LiveServer) -> None:
    name = f"Chunked {time.time_ns()}"
    made = live.chunked(PROJECTS, b'{"na', b'me": "', name.encode(), b'"}')
    assert (made.status, made.json()["name"]) == (201, name)
    project = f"/api/0/projects/acme/{made.json()['slug']}/"
    changed = live.request("PUT", project, b'{"platform": "go"}')
    assert (changed.status, changed.json()["platform"]) == (200, "go")
    deleted = live.request("DELETE", project)
    assert (deleted.status, deleted.body) == (204, b"")
    assert "Content-Length" not in deleted.headers
    assert live.request("GET", project).status == 404


def test_a_key_is_made_of_a_chunked_body_or_of_none(live: LiveServer) -> None:
    assert live.chunked(KEYS, b'{"name": ', b'"Chunked"}').json()["name"] == "Chunked"
    assert live.chunked(KEYS).json()["name"] == "Default"
    assert live.request("POST", KEYS).json()["name"] == "Default"


@pytest.mark.parametrize("path", [PROJECTS, KEYS, "/api/0/projects/acme/web/merge/"])
def test_a_chunked_body_above_the_limit_is_413(live: LiveServer, path: str) -> None:
    answer = live.chunked(path, b'{"name": "', *[b"x" * 65536] * 17, b'"}')
    assert (answer.status, answer.json()) == (413, {"detail": "The body is larger than 1048576 bytes."})


def test_a_renamed_project_is_told_by_a_header_that_clients_follow(live: LiveServer) -> None:
    name = f"moves-{time.time_ns()}"
    live.request("POST", PROJECTS, json.dumps({"name": name}).encode())
    live.request("PUT", f"/api/0/projects/acme/{name}/", json.dumps({"slug": f"{name}-2"}).encode())
    answer = live.request("GET", f"/api/0/projects/acme/{name}/keys/?per_page=1")
    assert (answer.status, answer.headers["Location"]) == (302, f"/api/0/projects/acme/{name}-2/keys/?per_page=1")
    assert live.request("GET", answer.headers["Location"]).status == 200


def test_the_links_of_a_list_lead_to_the_host_that_was_asked(live: LiveServer) -> None:
    answer = live.request("GET", f"{PROJECTS}?per_page=1")
    assert answer.headers["Link"].startswith(f"<http://127.0.0.1:{live.port}{PROJECTS}?per_page=1&cursor=0:0:1>; ")
