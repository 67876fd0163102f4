"""Headers that an answer has, and HEAD."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.wsgi import get_wsgi_application
from django.test import Client, RequestFactory

from projects.models import Project
from tests.api.live import STATS

pytestmark = pytest.mark.django_db

EVERYWHERE = {
    "Content-Language": "en",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "deny",
    "X-XSS-Protection": "1; mode=block",
}

ANSWERS = {
    "200": (STATS, {}, 200),
    "302": ("/api/0/projects/acme/old/stats/", {}, 302),
    "400": (f"{STATS}?stat=x", {}, 400),
    "400 of a bad host": (STATS, {"host": "elsewhere.example"}, 400),
    "401": (STATS, {"authorization": ""}, 401),
    "404": ("/api/0/projects/acme/missing/stats/", {}, 404),
    "404 of no route": ("/api/0/nothing/", {}, 404),
    "404 without a trailing slash": (STATS.rstrip("/"), {}, 404),
}


@pytest.mark.parametrize(("path", "headers", "status"), ANSWERS.values(), ids=ANSWERS)
def test_every_answer_carries_the_headers(
    api: Client, renamed_project: Project, path: str, headers: dict[str, str], status: int
) -> None:
    response = api.get(path, headers=headers)
    assert response.status_code == status
    wanted = {
        **EVERYWHERE,
        "Content-Type": "application/json",
        "Content-Length": str(len(response.content)),
        "Vary": "Accept-Language, Cookie",
    }
    assert {name: response.get(name) for name in wanted} == wanted
    assert len(response.content) > 0
    reached = path.startswith(STATS[:14]) and path.split("?")[0].endswith("/stats/") and "host" not in headers
    assert response.get("Allow") == ("GET, HEAD, OPTIONS" if reached else None)


@pytest.mark.parametrize(("path", "headers", "status"), ANSWERS.values(), ids=ANSWERS)
def test_head_answers_as_get_does_without_a_body(
    api: Client, renamed_project: Project, path: str, headers: dict[str, str], status: int
) -> None:
    with time_machine.travel(1541455200, tick=False):
        got = api.get(path, headers=headers)
        head = api.head(path, headers=headers)
    assert head.status_code == got.status_code == status
    assert head.content == b""
    assert dict(head.items()) == dict(got.items())


@pytest.mark.parametrize(("path", "status"), [("/healthz", 200), (STATS, 401)])
def test_the_application_itself_sends_no_body_for_head(path: str, status: int) -> None:
    """Not every server drops such a body, and the tests' client does not show it."""
    started: list[tuple[str, list[tuple[str, str]]]] = []
    environ = RequestFactory().head(path).environ
    response = get_wsgi_application()(environ, lambda *args: started.append(args[:2]))  # type: ignore[arg-type]
    assert b"".join(response) == b""
    response.close()
    [(line, sent)] = started
    assert line.startswith(str(status))
    assert int(dict(sent)["Content-Length"]) > 0


@pytest.mark.parametrize(
    ("path", "allow"), [("stats", "GET, HEAD, OPTIONS"), ("outcomes", "POST, OPTIONS")], ids=["stats", "outcomes"]
)
@pytest.mark.parametrize("method", ["OPTIONS", "DELETE"])
def test_allow_names_the_methods_that_the_endpoint_has(
    api: Client, project: Project, path: str, allow: str, method: str
) -> None:
    response = api.generic(method, f"/api/0/projects/acme/web/{path}/")
    assert response.status_code == (200 if method == "OPTIONS" else 405)
    assert response["Allow"] == allow


@pytest.mark.parametrize("credentials", ["", "Bearer", "Bearer sta_unknown"])
@pytest.mark.parametrize("path", [STATS, "/api/0/projects/no/such/outcomes/"])
def test_options_is_empty_and_needs_no_credentials_and_no_object(client: Client, path: str, credentials: str) -> None:
    response = client.options(f"{path}?stat=nonsense", headers={"authorization": credentials})
    assert (response.status_code, response.content) == (200, b"")
    assert "Content-Type" not in response
    wanted = {**EVERYWHERE, "Content-Length": "0", "Vary": "Accept-Language, Cookie"}
    assert {name: response.get(name) for name in wanted} == wanted


def test_a_session_varies_as_a_token_does(log_in: Callable[[User], Client], owner: User, project: Project) -> None:
    response = log_in(owner).get(STATS)
    assert (response.status_code, response["Vary"]) == (200, "Accept-Language, Cookie")


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*;q=0", "nonsense", ""])
@pytest.mark.parametrize("status", [200, 400, 401])
def test_the_answer_is_json_whatever_is_accepted(api: Client, project: Project, accept: str, status: int) -> None:
    query = {"stat": "x"} if status == 400 else {}
    headers = {"accept": accept, **({"authorization": ""} if status == 401 else {})}
    response = api.get(STATS, {**query, "format": "api"}, headers=headers)
    assert (response.status_code, response["Content-Type"]) == (status, "application/json")
    response.json()


def test_json_is_written_as_pythons_json_module_writes_it(api: Client, project: Project) -> None:
    response = api.get(STATS, {"stat": "é☃\u2028"})
    assert response.content == b'{"detail": "Invalid stat: \\u00e9\\u2603\\u2028"}'
