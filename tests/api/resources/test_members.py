"""GET …/organizations/{organization}/members/ and its members, /api/0/auth/ and /api/0/users/me/."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from projects import services
from projects.models import SCOPES, ApiToken, Membership, Organization
from tests.api.looks import DATE

pytestmark = pytest.mark.django_db

MEMBERS = "/api/0/organizations/acme/members/"
LETTERS = {"avatarType": "letter_avatar", "avatarUuid": None}
MYSELF = ("/api/0/auth/", "/api/0/users/me/")


@pytest.fixture
def ann(organization: Organization) -> Membership:
    user = User.objects.create_user("ann", "ann@example.com", "a long secret", first_name="Ann", last_name="Lee")
    return services.add_member(organization=organization, user_id=user.pk, role=Membership.Role.OWNER)


def test_a_member_has_the_fields_that_clients_read(api: Client, ann: Membership) -> None:
    [member] = api.get(MEMBERS).json()
    assert DATE.fullmatch(member.pop("dateCreated"))
    assert DATE.fullmatch(member["user"].pop("dateJoined"))
    number = str(ann.user.pk)
    assert member == {
        "id": str(ann.pk),
        "email": "ann@example.com",
        "name": "Ann Lee",
        "user": {
            "id": number,
            "name": "Ann Lee",
            "username": "ann",
            "email": "ann@example.com",
            "avatarUrl": None,
            "avatar": LETTERS,
            "emails": [{"id": number, "email": "ann@example.com", "is_verified": False}],
            "isActive": True,
            "isManaged": False,
            "has2fa": False,
        },
        "orgRole": "owner",
        "role": "owner",
        "roleName": "Owner",
        "pending": False,
        "expired": False,
        "flags": {},
        "inviteStatus": "approved",
        "inviterName": None,
    }
    assert api.get(f"{MEMBERS}{ann.pk}/").json() == api.get(MEMBERS).json()[0]


def test_who_was_invited_is_pending_and_no_user_yet(api: Client, organization: Organization) -> None:
    services.invite(organization=organization, email="new@example.com", role="viewer")
    [member] = api.get(MEMBERS).json()
    assert (member["email"], member["pending"], member["user"], member["orgRole"]) == (
        "new@example.com",
        True,
        None,
        "viewer",
    )


@pytest.mark.parametrize("number", ["0", "999999", "9" * 30, "me", "-1", "1.5", "٣"])
def test_what_is_no_member_is_missing(api: Client, ann: Membership, number: str) -> None:
    response = api.get(f"{MEMBERS}{number}/")
    assert (response.status_code, response.json()) == (404, {"detail": "The requested resource does not exist"})


def test_many_members_are_pages_of_few_queries(
    api: Client, organization: Organization, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    users = User.objects.bulk_create([User(username=f"user{number}", password="!x") for number in range(150)])
    Membership.objects.bulk_create([Membership(organization=organization, user=user) for user in users])
    api.get(MEMBERS)  # which notes the use of the token
    with django_assert_max_num_queries(3):
        first = api.get(MEMBERS)
    second = api.get(MEMBERS, {"cursor": "0:100:0"})
    assert [row["name"] for row in first.json() + second.json()] == [user.username for user in users]


@pytest.mark.parametrize("url", MYSELF)
def test_a_session_is_told_whose_it_is(log_in: Callable[..., Client], ann: Membership, url: str) -> None:
    shown = log_in(ann.user).get(url).json()
    for name in ("dateJoined", "lastLogin", "lastActive"):
        assert DATE.fullmatch(shown.pop(name)), name
    assert (shown["id"], shown["name"], shown["email"]) == (str(ann.user.pk), "Ann Lee", "ann@example.com")
    assert (shown["hasPasswordAuth"], shown["isSuperuser"], shown["isStaff"]) == (True, False, False)


@pytest.mark.parametrize("url", MYSELF)
@pytest.mark.parametrize("scope", SCOPES)
def test_a_token_is_told_what_it_is_whatever_it_may_do(
    make_api: Callable[..., Client], organization: Organization, scope: str, url: str
) -> None:
    response = make_api(scope).get(url)
    row = ApiToken.objects.get()
    assert response.status_code == 200
    shown = response.json()
    assert (shown["id"], shown["email"], shown["emails"]) == (f"token-{row.pk}", "", [])
    assert shown["name"] == shown["username"] == f"token …{row.last_four}"
    assert row.digest not in response.content.decode()


@pytest.mark.parametrize("url", MYSELF)
def test_nobody_is_nobody(client: Client, url: str) -> None:
    assert client.get(url).status_code == 401
