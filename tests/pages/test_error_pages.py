"""Error pages: they look like the rest, say what to do next, and show nothing of the cause."""

from __future__ import annotations

import re
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.test import Client

from projects import services
from projects.connections import get_store
from projects.models import Project
from statsapi.pages.project import numbers
from tests.api.counting import NOW, post, row
from tests.pages.failing_urls import SECRET
from tsdb.rollups import parse_rollups

pytestmark = [pytest.mark.django_db, pytest.mark.once]

FAILURES = {
    "/fail/bad/": (400, "Not understood"),
    "/fail/long/": (413, "Too much at once"),
    "/fail/forbidden/": (403, "Not allowed"),
    "/fail/broken/": (500, "Something went wrong here"),
    "/fail/series/": (400, "Too much to show"),
    "/fail/groups/": (400, "Too much to show"),
    "/fail/no-redis/": (503, "Not right now"),
    "/fail/no-database/": (503, "Not right now"),
    "/nowhere/": (404, "Not found"),
    "/theme/": (405, "Not this way"),
}


@pytest.fixture
def visitor(settings: LazySettings) -> Client:
    settings.ROOT_URLCONF = "tests.pages.failing_urls"
    return Client(raise_request_exception=False)


def shown(answer: Any, status: int, title: str) -> str:
    """Return the page after checking what every error page has."""
    page: str = answer.content.decode()
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert re.findall(r"<h1>(.*?)</h1>", page) == [title]
    assert f"<title>{title} · Event counts</title>" in page
    assert '<html lang="en"' in page
    assert 'href="/static/pages/base.css"' in page
    assert '<a class="button" href="/">' in page
    assert SECRET not in page
    assert "Traceback" not in page
    return page


@pytest.mark.parametrize("path", FAILURES)
def test_a_failure_is_a_page_that_shows_nothing_of_its_cause(visitor: Client, path: str) -> None:
    shown(visitor.get(path), *FAILURES[path])


def test_what_may_be_over_in_a_moment_can_be_tried_again(visitor: Client) -> None:
    again = {path for path in FAILURES if '<a class="button primary" href="">' in visitor.get(path).content.decode()}
    assert again == {path for path, (status, _) in FAILURES.items() if status in (500, 503)}
    assert visitor.get("/fail/no-redis/").headers["Retry-After"]
    assert "Try again</a>" not in visitor.post("/fail/no-redis/").content.decode()  # the link would not send the form


@pytest.mark.parametrize("path", FAILURES)
def test_an_error_page_has_the_theme_that_was_chosen(visitor: Client, path: str) -> None:
    assert "data-theme" not in visitor.get(path).content.decode()
    for theme in ("light", "dark"):
        visitor.cookies["theme"] = theme
        assert f'<html lang="en" data-theme="{theme}">' in visitor.get(path).content.decode()
    visitor.cookies["theme"] = '"><script>'
    assert "data-theme" not in visitor.get(path).content.decode()


def test_under_api_a_failure_stays_json(visitor: Client) -> None:
    answers = [visitor.get("/api/0/nowhere/"), visitor.get("/api/0/", SERVER_NAME="a.b")]
    assert [answer.status_code for answer in answers] == [404, 400]
    assert [answer.content[:1] for answer in answers] == [b"{", b"{"]


def test_a_wrong_method_says_which_are_right(visitor: Client) -> None:
    assert visitor.get("/theme/").headers["Allow"] == "POST"


def test_another_name_of_the_service_is_refused_in_words(visitor: Client) -> None:
    page = shown(visitor.get("/login/", SERVER_NAME="other.example.com"), 400, "The service has another name")
    assert "other.example.com" not in page


def test_a_form_without_its_token_and_a_long_one_are_refused_in_words() -> None:
    strict = Client(enforce_csrf_checks=True)
    shown(strict.post("/login/", {"username": "a", "password": "b"}), 403, "The form was refused")
    shown(strict.post("/login/", {"username": "a" * 20_000}), 413, "Too much at once")


def test_too_many_wrong_passwords_are_refused_in_words(settings: LazySettings) -> None:
    settings.AXES_FAILURE_LIMIT = 1
    answer = Client().post("/login/", {"username": "a", "password": "b"})
    page = shown(answer, 429, "Too many wrong passwords")
    assert "in 15 minutes." in page


@pytest.mark.parametrize("path", ["/login", "/o/acme", "/o/acme/web", "/o/missing/missing"])
def test_a_path_without_its_slash_leads_to_the_page_whether_it_exists_or_not(
    client: Client, project: Project, path: str
) -> None:
    answer = client.get(f"{path}?a=%2F")
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{path}/?a=%2F")
    assert client.post(path).status_code == 404  # a redirect would lose the form


def test_no_path_leads_to_another_host(client: Client) -> None:
    for path in ("//evil.example.com/o/acme", "//evil.example.com", "/\\evil.example.com/o", "//o/acme"):
        answer = client.get("/", PATH_INFO=path)
        assert (answer.status_code, answer.headers.get("Location")) == (404, None)


def test_the_icon_that_browsers_ask_for_exists(client: Client) -> None:
    answer = client.get("/favicon.ico")
    assert (answer.status_code, answer.headers["Location"]) == (301, "/static/pages/icon.svg")
    icon = client.get("/static/pages/icon.svg")
    icon.close()
    assert icon.headers["Content-Type"] == "image/svg+xml"


@pytest.mark.parametrize("path", ["", "setup/", "settings/keys/", "settings/filters/", "settings/environments/"])
def test_resolutions_that_make_up_no_page_are_refused_in_words(
    boss: Client, project: Project, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(get_store(), "rollups", parse_rollups("7s:100"))
    page = shown(boss.get(f"/o/acme/web/{path}"), 400, "Cannot be shown")
    assert ". An operator can look at the resolutions, which are set in TSDB_ROLLUPS." in page


@pytest.mark.parametrize("ending", ["/", ".svg"])
def test_a_public_link_is_refused_in_words_too(
    client: Client, project: Project, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    link = services.create_link(project=project)
    monkeypatch.setattr(get_store(), "rollups", parse_rollups("7s:100"))
    shown(client.get(f"/share/{link.secret}{ending}"), 400, "Cannot be shown")


@time_machine.travel(NOW + 60, tick=False)
def test_a_project_with_more_kinds_of_counts_than_a_page_takes_says_what_to_do(
    viewer: Client, api: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbers, "MAX_COUNTS", 3 * 720)
    rows = [row("filtered", reason=reason) for reason in ("localhost", "web-crawlers", "legacy-browsers")]
    post(api, "web", *rows)
    assert viewer.get("/o/acme/web/", {"range": "30d"}).status_code == 200
    post(api, "web", row())
    page = shown(viewer.get("/o/acme/web/", {"range": "30d"}), 400, "Too much to show")
    assert "resolution=1d" in page
    assert viewer.get("/o/acme/web/", {"range": "30d", "resolution": "1d"}).status_code == 200
