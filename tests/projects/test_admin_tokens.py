"""Tokens in the admin: shown once, revoked and rotated by actions. The log has each change, and no secret is kept."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client

from projects import services
from projects.models import SCOPES, ApiToken, Organization, Project
from projects.services.tokens import digest_of
from tests.projects.pages import act, log_lines, said, url

STATS = "/api/0/projects/acme/web/stats/"


def add(client: Client, organization: int, fields: dict[str, Any] | None = None) -> Any:
    data = {"organization": organization, "name": "CI", "scopes": ["project:read", "org:read"], **(fields or {})}
    return client.post(url("apitoken", "add"), data)


def secrets_in(page: Any) -> list[str]:
    return re.findall(r"sta_[A-Za-z0-9_-]{43}", page.content.decode())


def status_with(secret: str) -> int:
    return Client().get(STATS, headers={"authorization": f"Bearer {secret}"}).status_code


def test_a_new_token_is_shown_in_the_answer_and_works(
    admin_client: Client, project: Project, organization: Organization
) -> None:
    page = add(admin_client, organization.pk)
    (secret,) = secrets_in(page)
    assert page.status_code == 200
    assert "no-store" in page.headers["Cache-Control"]
    assert status_with(secret) == 200
    token = ApiToken.objects.get()
    assert (token.name, token.scopes) == ("CI", ["project:read", "org:read"])
    assert log_lines() == [f"Added “CI …{secret[-4:]}”. (Added.)"]


def test_scopes_that_open_nothing_are_offered_to_a_token_that_has_them_alone(
    admin_client: Client, organization: Organization
) -> None:
    def offered(page: Any) -> list[bool]:
        return [f'value="{scope}"' in page.content.decode() for scope in SCOPES]

    assert offered(admin_client.get(url("apitoken", "add"))) == [True] * 6 + [False] * 3
    add(admin_client, organization.pk, {"scopes": ["org:read", "event:admin"]})
    token = ApiToken.objects.get()
    assert token.scopes == ["org:read", "event:admin"]
    assert offered(admin_client.get(url("apitoken", "change", token.pk))) == [True] * 6 + [False, False, True]


def test_its_secret_is_nowhere_else_and_never_shown_again(
    admin_client: Client,
    organization: Organization,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level("DEBUG")
    page = add(admin_client, organization.pk)
    rotated = act(admin_client, "apitoken", "rotate", ApiToken.objects.get().pk)
    secrets = secrets_in(page) + secrets_in(rotated)
    assert len(set(secrets)) == 2
    token = ApiToken.objects.latest("pk")
    pages = [
        admin_client.get(address).content.decode()
        for address in (
            url("apitoken", "changelist"),
            url("apitoken", "change", token.pk),
            url("apitoken", "history", token.pk),
            url("apitoken", "delete", token.pk),
            "/admin/",
        )
    ]
    audit = json.dumps(list(LogEntry.objects.values_list("object_repr", "change_message")))
    sessions = [str(session.get_decoded()) for session in Session.objects.all()]
    cached = [str(cache.get(key)) + key for key in cache.keys("*")]  # type: ignore[attr-defined]
    cookies = [morsel.OutputString() for answer in (page, rotated) for morsel in answer.cookies.values()]
    cookies += [morsel.value for morsel in admin_client.cookies.values()]
    headers = [str(answer.headers) for answer in (page, rotated)]
    output = capfd.readouterr()
    everywhere = [*pages, audit, *sessions, *cached, *cookies, *headers, caplog.text, output.out, output.err]
    assert all(len(text) > 20 for text in (*pages, audit, *sessions))
    for secret in secrets:
        assert [text for text in everywhere if secret in text] == []
        assert [text for text in pages if digest_of(secret) in text] == []


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"scopes": []}, "This field is required."),
        ({"scopes": ["project:read", "project:burn"]}, "Select a valid choice. project:burn"),
        ({"expires_0": "2018-11-06", "expires_1": "00:00"}, "That is over already"),
        ({"organization": "77"}, "Select a valid choice"),
        ({"name": "x" * 101}, "at most 100 characters"),
    ],
)
def test_what_cannot_be_a_token_is_an_error_of_the_form(
    admin_client: Client, organization: Organization, fields: dict[str, Any], error: str
) -> None:
    page = add(admin_client, organization.pk, fields)
    assert error in said(page)
    assert not ApiToken.objects.exists()


def test_changed_scopes_count_at_the_next_request(
    admin_client: Client, project: Project, organization: Organization
) -> None:
    token, secret = services.create_token(organization=organization, scopes=["project:read"])
    assert status_with(secret) == 200
    data = {"name": "", "scopes": ["org:read"]}
    admin_client.post(url("apitoken", "change", token.pk), data)
    assert status_with(secret) == 403


def test_an_expired_token_can_still_be_renamed(admin_client: Client, organization: Organization) -> None:
    past = datetime(2018, 11, 6, tzinfo=UTC)
    token = services.create_token(organization=organization, scopes=["org:read"], expires=past).token
    data = {"name": "Old", "scopes": ["org:read"], "expires_0": "2018-11-06", "expires_1": "00:00:00"}
    admin_client.post(url("apitoken", "change", token.pk), data)
    token.refresh_from_db()
    assert (token.name, token.expires) == ("Old", past)


def test_revoked_tokens_are_refused_at_the_next_request_and_each_is_in_the_log(
    admin_client: Client, project: Project, organization: Organization
) -> None:
    made = [services.create_token(organization=organization, scopes=SCOPES, name=name) for name in "abc"]
    assert [status_with(one.secret) for one in made] == [200, 200, 200]
    services.revoke_tokens([made[0].token])
    page = act(admin_client, "apitoken", "revoke", *(one.token.pk for one in made[:2]))
    assert [status_with(one.secret) for one in made] == [401, 401, 200]
    assert "Revoked: 1." in said(page)
    assert log_lines() == [f"Changed “{made[1].token}” — Revoked. (Revoked.)"]


def test_a_rotated_token_is_refused_and_the_new_one_may_the_same(
    admin_client: Client, project: Project, organization: Organization
) -> None:
    expires = datetime.now(UTC) + timedelta(days=3)
    old = services.create_token(organization=organization, scopes=["project:read"], name="CI", expires=expires)
    assert status_with(old.secret) == 200
    page = act(admin_client, "apitoken", "rotate", old.token.pk)
    (secret,) = secrets_in(page)
    new = ApiToken.objects.latest("pk")
    assert (status_with(old.secret), status_with(secret)) == (401, 200)
    assert (new.name, new.scopes, new.expires) == ("CI", ["project:read"], expires)
    instead = f"Rotated: revoked, and {new} made instead."
    assert log_lines() == [
        f"Changed “{old.token}” — {instead} ({instead})",
        f"Added “{new}”. (Made instead of {old.token}.)",
    ]


def test_revoked_and_expired_tokens_are_not_rotated(admin_client: Client, organization: Organization) -> None:
    past = datetime(2018, 11, 6, tzinfo=UTC)
    late = services.create_token(organization=organization, scopes=SCOPES, expires=past).token
    gone = services.create_token(organization=organization, scopes=SCOPES).token
    services.revoke_tokens([gone])
    page = act(admin_client, "apitoken", "rotate", late.pk, gone.pk)
    assert "Nothing to rotate" in said(page)
    assert ApiToken.objects.count() == 2
    assert log_lines() == []


def test_a_revoked_token_can_be_looked_at_and_deleted_but_not_changed(
    admin_client: Client, organization: Organization
) -> None:
    token = services.create_token(organization=organization, scopes=SCOPES).token
    services.revoke_tokens([token])
    address = url("apitoken", "change", token.pk)
    assert admin_client.get(address).status_code == 200
    assert admin_client.post(address, {"name": "again", "scopes": ["org:read"]}).status_code == 403
    admin_client.post(url("apitoken", "delete", token.pk), {"post": "yes"})
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize("way", ["page", "action"])
def test_a_deleted_token_is_refused_at_the_next_request(
    admin_client: Client, project: Project, organization: Organization, way: str
) -> None:
    token, secret = services.create_token(organization=organization, scopes=SCOPES)
    assert status_with(secret) == 200
    if way == "page":
        admin_client.post(url("apitoken", "delete", token.pk), {"post": "yes"})
    else:
        act(admin_client, "apitoken", "delete_selected", token.pk, post="yes")
    assert status_with(secret) == 401
    assert log_lines() == [f"Deleted “{token}.” ()"]
