"""A request with a token skips the middleware for browsers, above all the session."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from projects.models import Project
from tests.api.live import STATS

pytestmark = pytest.mark.django_db


def test_a_token_decides_where_there_is_a_session_too(owner: User, outsider_api: Client, project: Project) -> None:
    outsider_api.force_login(owner)
    assert outsider_api.get(STATS).status_code == 404


@pytest.mark.parametrize("said", ["", "Basic b3duZXI6eA==", "Bearers x"])
def test_a_session_counts_where_the_header_names_no_token(owner: User, project: Project, said: str) -> None:
    browser = Client(headers={"authorization": said})
    browser.force_login(owner)
    assert browser.get(STATS).status_code == 200


def test_a_token_takes_nobody_out_of_the_session_of_a_page(admin_user: User, token: str) -> None:
    browser = Client(headers={"authorization": f"Bearer {token}"})
    browser.force_login(admin_user)
    assert browser.get("/admin/").status_code == 200


def test_a_request_with_a_token_asks_for_no_session(api: Client, owner: User, project: Project) -> None:
    api.force_login(owner)
    sent = api.cookies["sessionid"].value
    response = api.get(STATS)
    assert response.status_code == 200
    assert not hasattr(response.wsgi_request, "session")
    assert (response.cookies, api.cookies["sessionid"].value) == ({}, sent)
