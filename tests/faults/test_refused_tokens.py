"""Tokens that are malformed, expired, revoked or lack a scope; a revoked one is refused at the very next request.

See docs/reliability.md#bad-tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from projects import services
from projects.models import ApiToken, Project
from tests.faults.asking import OUTCOMES, STATS

NO_CREDENTIALS = "Authentication credentials were not provided."
NO_PERMISSION = {"detail": "You do not have permission to perform this action."}


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        ("", NO_CREDENTIALS),
        (" ", NO_CREDENTIALS),
        ("Bearer", "Invalid token header. No credentials provided."),
        ("Bearer ", "Invalid token header. No credentials provided."),
        ("Bearer a b", "Invalid token header. Token string should not contain spaces."),
        ("Bearer sta_x", "Invalid token"),
        ("Bearer sta_", "Invalid token"),
        ("Bearer x", "Invalid token"),
        ("Bearer null", "Invalid token"),
        ("Bearer sta_" + "x" * 5000, "Invalid token"),
        ("Bearer sta_\u00e9", "Invalid token"),
        ("Bearer sta_*", "Invalid token"),
        ("Bearer {token}x", "Invalid token"),
        ("Bearer {short}", "Invalid token"),
        ("Bearer {upper}", "Invalid token"),
        ("Bearer {digest}", "Invalid token"),
        ("Token {token}", NO_CREDENTIALS),
        ("Basic {token}", NO_CREDENTIALS),
        ("Bearer:{token}", NO_CREDENTIALS),
        ("{token}", NO_CREDENTIALS),
    ],
)
def test_what_is_no_token_is_401_to_read_and_to_write(project: Project, token: str, header: str, detail: str) -> None:
    digest = ApiToken.objects.get().digest
    header = header.format(token=token, short=token[:-1], upper=token.upper(), digest=digest)
    client = Client(headers={"authorization": header})
    for response in (client.get(STATS), client.post(OUTCOMES, {}, content_type="application/json")):
        assert (response.status_code, response.json()) == (401, {"detail": detail})
        assert response["WWW-Authenticate"]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_the_scheme_has_no_case(project: Project, token: str, scheme: str) -> None:
    assert Client(headers={"authorization": f"{scheme} {token}"}).get(STATS).status_code == 200


@pytest.mark.parametrize(
    "name", ["token", "auth", "auth_token", "access_token", "api_key", "key", "authorization", "Bearer"]
)
def test_a_token_anywhere_else_is_not_looked_at(project: Project, token: str, name: str) -> None:
    for value in (token, f"Bearer {token}"):
        assert Client().get(STATS, {name: value}).status_code == 401
        assert Client(headers={f"x-{name.replace('_', '-')}": value}).get(STATS).status_code == 401
        assert Client(headers={"cookie": f"{name}={token}"}).get(STATS).status_code == 401
        posted = Client().post(OUTCOMES, {name: value, "outcomes": []}, content_type="application/json")
        assert posted.status_code == 401


@pytest.mark.parametrize("scope", ["org:read", "org:write", "org:admin", "event:read", "event:write", "event:admin"])
def test_a_scope_of_something_else_is_403(make_api: Callable[..., Client], project: Project, scope: str) -> None:
    client = make_api(scope)
    for response in (client.get(STATS), client.post(OUTCOMES, {}, content_type="application/json")):
        assert (response.status_code, response.json()) == (403, NO_PERMISSION)


def test_a_token_that_may_read_may_not_write(make_api: Callable[..., Client], project: Project) -> None:
    client = make_api("project:read")
    assert client.get(STATS).status_code == 200
    for method in ("post", "put", "patch", "delete"):
        for url in (STATS, OUTCOMES):
            response = getattr(client, method)(url, {}, content_type="application/json")
            assert (response.status_code, response.json()) == (403, NO_PERMISSION)


def test_an_expired_token_is_401_from_that_second_on(make_api: Callable[..., Client], project: Project) -> None:
    now = datetime.now(UTC)
    assert make_api("project:read", expires=now + timedelta(minutes=1)).get(STATS).status_code == 200
    expired = make_api("project:read", expires=now).get(STATS)
    assert (expired.status_code, expired.json()) == (401, {"detail": "Token expired"})


def test_a_cached_token_expires_too(make_api: Callable[..., Client], project: Project) -> None:
    client = make_api("project:read", expires=datetime.now(UTC) + timedelta(minutes=5))
    assert client.get(STATS).status_code == 200
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=5)):
        assert client.get(STATS).json() == {"detail": "Token expired"}


@pytest.mark.django_db(transaction=True)
def test_what_changes_a_token_is_seen_at_the_next_request(token: str, api: Client, project: Project) -> None:
    row = ApiToken.objects.get()
    assert api.get(STATS).status_code == 200
    row.scopes = ["org:read"]
    services.update_token(token=row)
    assert api.get(STATS).status_code == 403
    row.scopes = ["project:read"]
    services.update_token(token=row)
    assert api.get(STATS).status_code == 200
    new = services.rotate_token(token=row)
    assert api.get(STATS).status_code == 401
    assert Client(headers={"authorization": f"Bearer {new.secret}"}).get(STATS).status_code == 200
