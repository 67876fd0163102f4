"""What middleware runs for whom (statsapi/settings_middleware.py)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.test import Client
from pytest_django import Settings

from projects.models import Project
from statsapi.settings_middleware import TABLE
from tests.api.live import STATS

pytestmark = pytest.mark.django_db
ran: list[str] = []


def __getattr__(name: str) -> Callable[..., Any]:
    """Return a middleware that notes that the next one in the table runs: `before_3` notes the one of row 3."""
    if not name.startswith("before_"):
        raise AttributeError(name)
    row = int(name.removeprefix("before_"))

    def noting(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
        def note(request: HttpRequest) -> Any:
            ran.append(TABLE[row].middleware)
            return get_response(request)

        return note

    return noting


@pytest.fixture(autouse=True)
def _noted(settings: Settings) -> None:
    ran.clear()
    rows = [(f"{__name__}.before_{row}", one.middleware) for row, one in enumerate(TABLE)]
    settings.MIDDLEWARE = [name for pair in rows for name in pair]


def for_whom(column: str) -> list[str]:
    return [one.middleware for one in TABLE if getattr(one, column)]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/readyz/reads", "/readyz/counting", "/readyz/managing"])
def test_probes_pass_what_the_table_says_and_ask_by_any_address(path: str) -> None:
    assert Client(headers={"host": "192.0.2.7"}).get(path).json()
    assert ran == for_whom("probes")


def test_the_api_with_a_token_passes_what_the_table_says(api: Client, project: Project) -> None:
    assert api.get(STATS).status_code == 200
    assert ran == for_whom("token")


def test_the_api_with_a_session_passes_what_the_table_says(owner: User, project: Project) -> None:
    browser = Client()
    browser.force_login(owner)
    assert browser.get(STATS).status_code == 200
    assert ran == for_whom("session")


def test_pages_pass_what_the_table_says(db: None) -> None:
    assert Client().get("/login/").status_code == 200
    assert ran == for_whom("pages")
