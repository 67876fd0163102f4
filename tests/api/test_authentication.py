"""Tokens and sessions that are accepted, and those that are refused."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client

from projects import services
from projects.models import ApiToken, Organization, Project
from tests.api.live import OUTCOMES, STATS

pytestmark = pytest.mark.django_db

NOT_PROVIDED = "Authentication credentials were not provided."
INVALID = "Invalid token"
NOTHING_AFTER = "Invalid token header. No credentials provided."
SPACES = "Invalid token header. Token string should not contain spaces."
ROW = {"outcomes": [{"outcome": "accepted"}]}


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        ("", NOT_PROVIDED),
        ("   ", NOT_PROVIDED),
        ("Basic dXNlcjpwYXNz", NOT_PROVIDED),
        ("Token sta_x", NOT_PROVIDED),
        ("sta_x", NOT_PROVIDED),
        ("Bearer", NOTHING_AFTER),
        ("bearer  ", NOTHING_AFTER),
        ("Bearer sta_x y", SPACES),
        ("Bearer sta_x y z", SPACES),
        ("Bearer x", INVALID),
        ("Bearer sta_", INVALID),
        ("Bearer sta_unknown", INVALID),
        ("BEARER STA_UNKNOWN", INVALID),
        ("Bearer sta_\xff\x00", INVALID),
        ("Bearer sta_" + "x" * 100_000, INVALID),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_it_refuses_a_header_that_is_no_known_token(
    client: Client, project: Project, header: str, detail: str, method: str
) -> None:
    response = client.generic(method, STATS, headers={"authorization": header})
    assert (response.status_code, response.json()) == (401, {"detail": detail})
    assert response["WWW-Authenticate"] == 'Bearer realm="api"'


def test_head_without_credentials_is_401(client: Client, project: Project) -> None:
    response = client.head(STATS)
    assert (response.status_code, response["WWW-Authenticate"]) == (401, 'Bearer realm="api"')


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_the_scheme_may_be_written_in_any_case(client: Client, project: Project, token: str, scheme: str) -> None:
    assert client.get(STATS, headers={"authorization": f"{scheme} {token}"}).status_code == 200


def test_a_token_is_told_from_another_by_its_case(client: Client, project: Project, token: str) -> None:
    response = client.get(STATS, headers={"authorization": f"Bearer {token.swapcase()}"})
    assert (response.status_code, response.json()) == (401, {"detail": INVALID})


@pytest.mark.parametrize("name", ["token", "auth_token", "access_token", "authorization", "api_key", "bearer"])
def test_a_token_in_the_query_string_is_no_credential(client: Client, project: Project, token: str, name: str) -> None:
    for value in (token, f"Bearer {token}"):
        response = client.get(STATS, {name: value})
        assert (response.status_code, response.json()) == (401, {"detail": NOT_PROVIDED})


def test_a_token_in_a_cookie_or_body_is_no_credential(client: Client, project: Project, token: str) -> None:
    client.cookies["token"] = client.cookies["sessionid"] = token
    response = client.post(OUTCOMES, {**ROW, "token": token}, "application/json")
    assert (response.status_code, response.json()) == (401, {"detail": NOT_PROVIDED})


def test_a_token_is_refused_from_the_second_on_at_which_it_expires(
    client: Client, project: Project, organization: Organization
) -> None:
    expires = datetime(2018, 11, 6, 12, tzinfo=UTC)
    secret = services.create_token(organization=organization, scopes=["project:read"], expires=expires).secret
    headers = {"authorization": f"Bearer {secret}"}
    with time_machine.travel(expires.timestamp() - 1, tick=False):
        assert client.get(STATS, headers=headers).status_code == 200
    with time_machine.travel(expires.timestamp(), tick=False):
        response = client.get(STATS, headers=headers)
    assert (response.status_code, response.json()) == (401, {"detail": "Token expired"})
    assert "WWW-Authenticate" in response


@pytest.mark.django_db(transaction=True)
def test_a_revoked_token_is_unknown_at_the_next_request(api: Client, project: Project) -> None:
    assert api.get(STATS).status_code == api.get(STATS).status_code == 200
    services.revoke_tokens(ApiToken.objects.all())
    response = api.get(STATS)
    assert (response.status_code, response.json()) == (401, {"detail": INVALID})


@pytest.mark.django_db(transaction=True)
def test_a_deleted_token_is_unknown_at_the_next_request(api: Client, project: Project) -> None:
    assert api.get(STATS).status_code == 200
    services.delete_tokens(ApiToken.objects.all())
    assert api.get(STATS).status_code == 401


@pytest.mark.django_db(transaction=True)
def test_a_rotated_token_gives_way_to_a_new_one(api: Client, project: Project) -> None:
    assert api.get(STATS).status_code == 200
    new = services.rotate_token(token=ApiToken.objects.get())
    assert api.get(STATS).status_code == 401
    assert api.get(STATS, headers={"authorization": f"Bearer {new.secret}"}).status_code == 200


@pytest.mark.parametrize("query", ["", "?stat=x", "?until=nan"])
@pytest.mark.parametrize("where", ["acme/web", "acme/missing", "missing/web"])
def test_a_token_stands_in_no_answer_and_no_log(
    client: Client,
    project: Project,
    token: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    where: str,
    query: str,
) -> None:
    with caplog.at_level(logging.DEBUG):
        for header in (f"Bearer {token}", f"Bearer {token}x", f"Bearer {token} x"):
            response = client.get(f"/api/0/projects/{where}/stats/{query}", headers={"authorization": header})
            assert token not in response.content.decode() + str(response.items())
    assert token not in caplog.text + "".join(capfd.readouterr())


def test_a_session_is_as_good_as_a_token(log_in: Callable[..., Client], project: Project, owner: User) -> None:
    assert log_in(owner).get(STATS).status_code == 200


def test_a_bad_token_is_refused_even_in_a_session(log_in: Callable[..., Client], project: Project, owner: User) -> None:
    response = log_in(owner).get(STATS, headers={"authorization": "Bearer sta_x"})
    assert (response.status_code, response.json()) == (401, {"detail": INVALID})


def test_a_foreign_scheme_does_not_hide_a_session(log_in: Callable[..., Client], project: Project, owner: User) -> None:
    assert log_in(owner).get(STATS, headers={"authorization": "Basic dTpw"}).status_code == 200


def test_a_session_that_ended_is_no_credential(log_in: Callable[..., Client], project: Project, owner: User) -> None:
    browser = log_in(owner)
    browser.logout()
    response = browser.get(STATS)
    assert (response.status_code, response.json()) == (401, {"detail": NOT_PROVIDED})


def test_the_session_of_a_user_who_was_switched_off_is_no_credential(
    log_in: Callable[..., Client], project: Project, owner: User
) -> None:
    browser = log_in(owner)
    owner.is_active = False
    owner.save()
    assert browser.get(STATS).status_code == 401


def test_a_session_needs_a_csrf_token_to_write(log_in: Callable[..., Client], project: Project, owner: User) -> None:
    browser = log_in(owner, enforce_csrf_checks=True)
    refused = browser.post(OUTCOMES, ROW, "application/json")
    assert refused.status_code == 403
    assert refused.json()["detail"].startswith("CSRF Failed")
    assert refused["Content-Type"] == "application/json"
    browser.cookies["csrftoken"] = "x" * 32
    allowed = browser.post(OUTCOMES, ROW, "application/json", headers={"x-csrftoken": "x" * 32})
    assert (allowed.status_code, allowed.json()) == (201, {"accepted": 1})


@pytest.mark.parametrize("body", ["no JSON", "[" * 100_000, "x" * 3_000_000])
def test_a_sessions_body_is_not_looked_at_before_the_object(
    log_in: Callable[..., Client], project: Project, owner: User, body: str
) -> None:
    browser = log_in(owner, enforce_csrf_checks=True)
    browser.cookies["csrftoken"] = "x" * 32
    headers = {"x-csrftoken": "x" * 32}
    url = "/api/0/projects/acme/missing/outcomes/"
    assert browser.generic("POST", url, body, "application/json", headers=headers).status_code == 404
    refused = browser.generic("POST", OUTCOMES, body, "application/json", headers=headers)
    assert refused.status_code == (413 if len(body) > 2_000_000 else 400)


def test_a_session_needs_no_csrf_token_to_read(log_in: Callable[..., Client], project: Project, owner: User) -> None:
    assert log_in(owner, enforce_csrf_checks=True).get(STATS).status_code == 200


def test_a_token_needs_no_csrf_token(project: Project, token: str, log_in: Callable[..., Client], owner: User) -> None:
    browser = log_in(owner, enforce_csrf_checks=True)
    response = browser.post(OUTCOMES, ROW, "application/json", headers={"authorization": f"Bearer {token}"})
    assert response.status_code == 201
