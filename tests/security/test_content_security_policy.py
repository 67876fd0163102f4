"""The Content-Security-Policy is on every page, errors included, and breaks nothing that is not a page."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from projects.models import Project

pytestmark = pytest.mark.once

POLICY = {
    "default-src": "'self'",
    "img-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
PAGES = {
    "/": 302,
    "/admin/": 302,
    "/admin/login/": 200,
    "/admin/nowhere/": 302,
    "/nowhere": 404,
    "/api/docs/": 200,
    "/api/docs/?script=": 200,
    "/api/schema/": 200,
    "/api/nowhere/": 404,
    "/api/0/": 200,
    "/static/admin/css/base.css": 200,
}


def policy(response: Any) -> dict[str, str]:
    parts = (part.strip().partition(" ") for part in response.headers["Content-Security-Policy"].split(";"))
    return {name: value for name, _, value in parts}


@pytest.mark.django_db
@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_it(client: Client, path: str) -> None:
    response = client.get(path)
    response.close()
    assert (response.status_code, policy(response)) == (PAGES[path], POLICY)


@pytest.mark.django_db
def test_every_page_of_an_operator_has_it(admin_client: Client, project: Project) -> None:
    for path in ("", "projects/project/", f"projects/project/{project.pk}/change/", "auth/user/add/", "nowhere/"):
        assert policy(admin_client.get(f"/admin/{path}")) == POLICY
    assert policy(admin_client.get("/admin/projects/projectkey/?secret__regex=x")) == POLICY  # 400


@pytest.mark.django_db
def test_refusals_and_failures_have_it(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.AXES_FAILURE_LIMIT = 1
    strict = Client(enforce_csrf_checks=True)
    refused = strict.post("/admin/login/", {"username": "a", "password": "b"})
    assert (refused.status_code, policy(refused)) == (403, POLICY)
    assert b"<style" not in refused.content
    client = Client(raise_request_exception=False)
    bad = client.get("/admin/login/", SERVER_NAME="not-allowed.example.com")
    assert (bad.status_code, policy(bad)) == (400, POLICY)
    monkeypatch.setattr("projects.admin_site.OperatorSite.has_permission", lambda *_: 1 / 0)
    broken = client.get("/admin/login/")
    assert (broken.status_code, policy(broken)) == (500, POLICY)
    monkeypatch.undo()
    locked = client.post("/admin/login/", {"username": "a", "password": "b"})
    assert (locked.status_code, policy(locked)) == (429, POLICY)
    assert b"<style" not in locked.content


def test_it_allows_nothing_that_stands_in_a_page() -> None:
    for value in POLICY.values():
        assert "unsafe" not in value
        assert "*" not in value


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/healthz", "/api/1/envelope/", "/api/0/projects/acme/web/stats/"])
def test_hot_paths_are_not_slowed_by_it(api: Client, project: Project, path: str) -> None:
    assert "Content-Security-Policy" not in api.get(path).headers
