"""Invitations, members and their roles: who gets a link, and that an organization keeps an owner."""

from __future__ import annotations

import threading

import pytest
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator as tokens
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client

from projects import services
from projects.models import Membership, Organization
from tests.projects.pages import inline, said, url

pytestmark = pytest.mark.django_db
ANN = "ann@example.com"


def role_of(user: User, organization: Organization) -> str | None:
    return Membership.objects.filter(user=user, organization=organization).values_list("role", flat=True).first()


# --- Invitations ---------------------------------------------------------------------------------------------


def test_a_new_person_gets_an_account_without_a_password_and_a_link(organization: Organization) -> None:
    found = services.invite(organization=organization, email="  Ann@Example.COM ", role="member")
    user = User.objects.get(username=ANN)
    assert (found.needs_link, found.membership.user, found.membership.role) == (True, user, "member")
    assert (user.email, user.has_usable_password(), user.is_staff, user.is_superuser) == (ANN, False, False, False)


@pytest.mark.parametrize(
    "email",
    ["", "ann", "ann@", "a@b@c.de", "ann@example.com\n", "a\0b@example.com", "mıke@example.com", "x" * 150 + "@e.de"],
)
def test_what_is_no_address_is_refused(organization: Organization, email: str) -> None:
    if email.endswith("\n"):
        email += "bcc: other@example.com"
    with pytest.raises(ValidationError):
        services.invite(organization=organization, email=email, role="viewer")
    assert not User.objects.exists()


def test_a_role_that_does_not_exist_is_refused_and_makes_no_account(organization: Organization) -> None:
    with pytest.raises(ValidationError):
        services.invite(organization=organization, email=ANN, role="king")
    assert not User.objects.exists()


def test_an_account_with_a_password_becomes_a_member_and_gives_no_link(organization: Organization) -> None:
    user = User.objects.create_user("Ann@Example.com", password="a long one for tests")
    found = services.invite(organization=organization, email=ANN, role="viewer")
    assert (found.needs_link, found.membership.user) == (False, user)
    assert User.objects.get() == user
    assert User.objects.get().check_password("a long one for tests")


@pytest.mark.parametrize("right", ["is_staff", "is_superuser"])
def test_an_account_with_other_rights_gives_no_link_even_without_a_password(
    organization: Organization, right: str
) -> None:
    user = User(username=ANN, **{right: True})
    user.set_unusable_password()
    user.save()
    found = services.invite(organization=organization, email=ANN, role="viewer")
    assert not found.needs_link
    with pytest.raises(ValidationError, match="only an operator"):
        services.renew_invitation(found.membership)


def test_an_account_that_waits_in_another_organization_gives_no_link_and_its_first_link_dies(
    organization: Organization, other_organization: Organization
) -> None:
    first = services.invite(organization=other_organization, email=ANN, role="viewer")
    token = tokens.make_token(first.membership.user)
    second = services.invite(organization=organization, email=ANN, role="owner")
    assert (first.needs_link, second.needs_link) == (True, False)
    assert not tokens.check_token(User.objects.get(), token)
    for membership in (first.membership, second.membership):
        with pytest.raises(ValidationError, match="only an operator"):
            services.renew_invitation(membership)


def test_a_link_from_an_organization_that_was_left_dies_with_the_next_invitation(
    organization: Organization, other_organization: Organization
) -> None:
    first = services.invite(organization=other_organization, email=ANN, role="viewer")
    token = tokens.make_token(first.membership.user)
    services.remove_member(first.membership)
    second = services.invite(organization=organization, email=ANN, role="viewer")
    assert second.needs_link
    assert not tokens.check_token(User.objects.get(), token)


def test_a_new_link_takes_the_place_of_the_first(organization: Organization) -> None:
    membership = services.invite(organization=organization, email=ANN, role="viewer").membership
    first = tokens.make_token(membership.user)
    second = tokens.make_token(services.renew_invitation(membership))
    assert [tokens.check_token(User.objects.get(), token) for token in (first, second)] == [False, True]


def test_who_becomes_an_operator_chooses_a_new_password(organization: Organization) -> None:
    """An owner may have invited the name and chosen its password, and be signed in with it."""
    user = User.objects.create_user(ANN, password="chosen by an owner")
    client = Client()
    client.force_login(user)
    assert client.get("/account/").status_code == 200
    assert services.ensure_account(ANN, operator=True).is_superuser
    assert client.get("/account/").status_code == 302
    assert not User.objects.get(username=ANN).has_usable_password()
    User.objects.filter(username=ANN).update(password="kept")
    assert services.ensure_account(ANN, operator=True).password == "kept"


def test_a_person_who_is_made_an_operator_cannot_be_reached_by_an_owners_link(
    organization: Organization, admin_client: Client
) -> None:
    membership = services.invite(organization=organization, email=ANN, role="viewer").membership
    token = tokens.make_token(membership.user)
    assert services.ensure_account(ANN, operator=True).is_superuser
    assert not tokens.check_token(User.objects.get(username=ANN), token)

    bob = services.invite(organization=organization, email="bob@example.com", role="viewer").membership.user
    token = tokens.make_token(bob)
    form = {"username": bob.username, "is_active": "on", "is_superuser": "on"}
    form |= {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    admin_client.post(f"/admin/auth/user/{bob.pk}/change/", form)
    bob.refresh_from_db()
    assert bob.is_superuser
    assert not tokens.check_token(bob, token)


def test_somebody_who_is_a_member_is_not_invited_again(organization: Organization) -> None:
    services.invite(organization=organization, email=ANN, role="viewer")
    with pytest.raises(ValidationError, match="is a member already: viewer"):
        services.invite(organization=organization, email="ANN@example.com", role="owner")
    assert Membership.objects.get().role == "viewer"


def test_an_account_that_is_switched_off_is_not_invited(organization: Organization) -> None:
    User.objects.create_user(ANN, is_active=False)
    with pytest.raises(ValidationError, match="switched off"):
        services.invite(organization=organization, email=ANN, role="viewer")


# --- The last owner ------------------------------------------------------------------------------------------


def test_the_last_owner_stays_one(organization: Organization, owner: User) -> None:
    membership = Membership.objects.get()
    with pytest.raises(ValidationError, match="last owner of Acme"):
        services.remove_member(membership)
    with pytest.raises(ValidationError, match="last owner of Acme"):
        services.change_role(Membership.objects.get(), "member")
    assert role_of(owner, organization) == "owner"


def test_an_owner_whose_account_is_switched_off_does_not_count(organization: Organization, owner: User) -> None:
    off = User.objects.create_user("off", is_active=False)
    services.add_member(organization=organization, user_id=off.pk, role="owner")
    with pytest.raises(ValidationError, match="last owner"):
        services.remove_member(Membership.objects.get(user=owner))


def test_with_two_owners_one_may_go_and_without_any_owner_members_may_go(
    organization: Organization, owner: User
) -> None:
    second = services.invite(organization=organization, email=ANN, role="owner").membership
    services.change_role(second, "viewer")
    services.change_role(second, "owner")
    services.remove_member(Membership.objects.get(user=owner))
    Membership.objects.update(role="viewer")
    services.remove_member(Membership.objects.get())
    assert not Membership.objects.exists()


def test_a_member_who_was_removed_meanwhile_does_not_come_back_with_a_new_role(organization: Organization) -> None:
    membership = services.invite(organization=organization, email=ANN, role="viewer").membership
    services.remove_member(Membership.objects.get())
    with pytest.raises(ValidationError, match="was removed"):
        services.change_role(membership, "owner")
    assert not Membership.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_owners_who_leave_at_the_same_time_do_not_both_go(organization: Organization, owner: User) -> None:
    services.invite(organization=organization, email=ANN, role="owner")
    start, refused = threading.Barrier(2), []

    def leave(membership: Membership) -> None:
        start.wait()
        try:
            services.remove_member(membership)
        except ValidationError as error:
            refused.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=leave, args=[one]) for one in Membership.objects.select_related("organization")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(refused), Membership.objects.count()) == (1, 1)


@pytest.mark.parametrize("change", [{"memberships-0-role": "viewer"}, {"memberships-0-DELETE": "on"}])
def test_the_admin_keeps_the_last_owner_too(
    admin_client: Client, organization: Organization, owner: User, change: dict[str, str]
) -> None:
    row = {"id": Membership.objects.get().pk, "organization": organization.pk, "user": owner.pk, "role": "owner"}
    data = {"name": "Acme", "slug": "acme", **inline("memberships", row, initial=1), **change}
    page = admin_client.post(url("organization", "change", organization.pk), data, follow=True)
    assert "This is the last owner of Acme." in page.content.decode()
    assert role_of(owner, organization) == "owner"


@pytest.mark.parametrize("way", ["page", "action", "off"])
def test_the_account_of_the_last_owner_is_not_deleted_or_switched_off(
    admin_client: Client, organization: Organization, owner: User, way: str
) -> None:
    if way == "page":
        page = admin_client.post(f"/admin/auth/user/{owner.pk}/delete/", {"post": "yes"}, follow=True)
    elif way == "action":
        data = {"action": "delete_selected", "_selected_action": [str(owner.pk)], "post": "yes"}
        page = admin_client.post("/admin/auth/user/", data, follow=True)
    else:
        form = {"username": "owner", "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
        page = admin_client.post(f"/admin/auth/user/{owner.pk}/change/", form, follow=True)
    assert "This is the last owner of Acme." in said(page)
    owner.refresh_from_db()
    assert owner.is_active


@pytest.mark.django_db(transaction=True)
def test_a_whole_organization_goes_with_its_last_owner(organization: Organization, owner: User) -> None:
    services.delete_organization(organization=organization)
    assert not Membership.objects.exists()


# --- The time zone -------------------------------------------------------------------------------------------


def test_a_time_zone_is_kept_changed_and_given_back_to_the_browser(owner: User) -> None:
    for zone in ("Europe/Berlin", "UTC", ""):
        services.keep_timezone(owner, zone)
        owner.refresh_from_db()
        assert owner.preference.timezone == zone
    with pytest.raises(ValidationError, match="no time zone"):
        services.keep_timezone(owner, "Mars/Olympus")
