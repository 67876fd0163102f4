"""Bodies that are not JSON, sent to every endpoint that reads one."""

from __future__ import annotations

import pytest
from django.test import Client

from projects.models import Project

pytestmark = pytest.mark.django_db

NO_JSON = {
    "cut": b'{"name": "x"',
    "two": b"{} {}",
    "nan": b'{"name": NaN}',
    "infinity": b'{"name": -Infinity}',
    "latin-1": b'{"name": "\xe9"}',
    "utf-16": '{"name": "x"}'.encode("utf-16"),
    "a half of a pair": b'{"name": "\\ud800"}',
    "deep list": b"[" * 100_000 + b"]" * 100_000,
    "deep object": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deep and open": b"[" * 100_000,
    "nul": b"\0",
    "form": b"name=x",
}

NO_OBJECT = [b"null", b"1", b'"x"', b"[]", b"[[]]", b"true"]


@pytest.fixture(
    params=[
        ("POST", "/api/0/organizations/acme/projects/"),
        ("POST", "/api/0/teams/acme/acme/projects/"),
        ("PUT", "/api/0/projects/acme/web/"),
        ("POST", "/api/0/projects/acme/web/merge/"),
        ("POST", "/api/0/projects/acme/web/keys/"),
        ("PUT", "/api/0/projects/acme/web/keys/{public}/"),
        ("POST", "/api/0/projects/acme/web/outcomes/"),
    ],
    ids=" ".join,
)
def endpoint(request: pytest.FixtureRequest, project: Project) -> tuple[str, str]:
    method, path = request.param
    return method, path.format(public=project.keys.get().public)


@pytest.mark.parametrize("body", NO_JSON.values(), ids=NO_JSON)
def test_what_is_no_json_is_400(api: Client, endpoint: tuple[str, str], body: bytes) -> None:
    response = api.generic(*endpoint, body, "application/json")
    assert (response.status_code, response.json()) == (400, {"detail": "The body is not valid JSON."})


@pytest.mark.parametrize("body", NO_OBJECT, ids=ascii)
def test_what_is_no_object_is_400(api: Client, endpoint: tuple[str, str], body: bytes) -> None:
    response = api.generic(*endpoint, body, "application/json")
    assert response.status_code == 400
    assert isinstance(response.json(), dict)


def test_a_body_that_is_too_large_is_413(api: Client, endpoint: tuple[str, str]) -> None:
    response = api.generic(*endpoint, b'{"name": "' + b"x" * 3_000_000 + b'"}', "application/json")
    assert response.status_code == 413
    assert list(response.json()) == ["detail"]
