"""GET /api/0/: who the caller is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from projects import services
from projects.models import Organization

pytestmark = pytest.mark.django_db

ROOT = "/api/0/"


def test_without_credentials_there_is_nobody(client: Client) -> None:
    response = client.get(ROOT)
    assert (response.status_code, response.json()) == (200, {"version": "0", "auth": None, "user": None})


def test_a_token_tells_its_scopes(make_api: Callable[..., Client]) -> None:
    answer = make_api("event:read", "org:read").get(ROOT).json()
    assert answer == {"version": "0", "auth": {"scopes": ["org:read", "event:read"]}, "user": None}


def test_a_session_tells_its_user(log_in: Callable[..., Client], owner: User) -> None:
    owner.first_name, owner.last_name, owner.email = "Ada", "L", "ada@example.com"
    owner.save()
    answer = log_in(owner).get(ROOT).json()
    assert answer["user"] == {"id": str(owner.pk), "email": "ada@example.com", "name": "Ada L"}
    assert answer["auth"] == {"scopes": []}  # they depend on the organization


def test_a_user_without_a_name_goes_by_the_login(log_in: Callable[..., Client], owner: User) -> None:
    assert log_in(owner).get(ROOT).json()["user"]["name"] == "owner"


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        ("Bearer sta_no", "Invalid token"),
        ("Bearer", "Invalid token header. No credentials provided."),
        ("Bearer a b", "Invalid token header. Token string should not contain spaces."),
    ],
)
def test_credentials_that_are_wrong_are_refused_here_too(client: Client, header: str, detail: str) -> None:
    response = client.get(ROOT, headers={"authorization": header})
    assert (response.status_code, response.json()) == (401, {"detail": detail})


def test_a_revoked_token_is_refused_here_too(organization: Organization) -> None:
    token, secret = services.create_token(organization=organization, scopes=["org:read"])
    caller = Client(headers={"authorization": f"Bearer {secret}"})
    assert caller.get(ROOT).status_code == 200
    services.revoke_tokens([token])
    assert caller.get(ROOT).status_code == 401
