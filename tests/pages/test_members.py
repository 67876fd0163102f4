"""The members of an organization on their page: inviting, roles, removing, leaving, and who may do which."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client

from projects import services
from projects.models import Membership, Organization

pytestmark = pytest.mark.django_db
PAGE = "/organization/acme/members/"
ANN = "ann@example.com"
NEW = "a long one for tests"


@pytest.fixture(autouse=True)
def _quick_hash(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def sign_in(organization: Organization) -> Callable[[str], Client]:
    """Return a function that signs a new person in by their role, as tests/pages/conftest.py does, with a password."""

    def make(role: str) -> Client:
        user = User.objects.create_user(f"{role}@example.com", password=NEW)
        services.add_member(organization=organization, user_id=user.pk, role=role)
        client = Client()
        client.force_login(user)
        return client

    return make


def invite(client: Client, email: str = ANN, role: str = "viewer") -> Any:
    return client.post(PAGE, {"email": email, "role": role})


def link_in(answer: Any) -> str:
    """Return the path of the link that a page shows."""
    found = re.search(r'<code id="link">http://127\.0\.0\.1:8000(/password/[^<]+)</code>', answer.content.decode())
    assert found, answer.content.decode()
    return found[1]


def choose(link: str) -> Client | None:
    """Choose a password on a link, and return the person's client, or None if the link does not work."""
    client = Client()
    page = client.get(link, follow=True)
    answer = client.post(page.request["PATH_INFO"], {"new_password1": NEW, "new_password2": NEW})
    return client if answer.status_code == 302 else None


def number_of(name: str) -> int:
    return Membership.objects.get(user__username=name).pk


def said(client: Client, path: str, data: dict[str, str]) -> str:
    answer = client.post(path, data, follow=True)
    return " ".join(re.findall(r'role="status">(.*?)</p>', answer.content.decode()))


# --- Inviting ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["viewer", "member", "owner"])
def test_a_new_person_gets_a_link_that_is_shown_once(boss: Client, role: str) -> None:
    answer = invite(boss, "Ann@Example.com", role)
    link = link_in(answer)
    assert (answer.status_code, "no-store" in answer["Cache-Control"]) == (200, True)
    assert link not in answer.request["PATH_INFO"] + str(answer.cookies)
    page = boss.get(PAGE).content.decode()
    assert (ANN in page, "no password yet" in page, link.split("/")[-2] in page) == (True, True, False)
    client = choose(link)
    assert client
    assert client.get(PAGE).status_code == 200
    assert Membership.objects.get(user__username=ANN).role == role
    assert choose(link) is None


def test_sending_the_form_again_shows_no_other_link(boss: Client) -> None:
    invite(boss)
    answer = invite(boss)
    assert (answer.status_code, "is a member already: viewer" in answer.content.decode()) == (200, True)
    assert "/password/" not in answer.content.decode()


def test_somebody_who_has_an_account_becomes_a_member_without_a_link(boss: Client, outsider: User) -> None:
    outsider.set_password(NEW)
    outsider.save()
    asked = boss.post(PAGE, {"email": "outsider", "role": "member"}).content.decode()
    assert "There is an account of this name already, and another organization may have made it." in asked
    assert 'name="known"' in asked
    assert not Membership.objects.filter(user=outsider, organization__slug="acme").exists()
    answer = boss.post(PAGE, {"email": "outsider", "role": "member", "known": "on"}, follow=True)
    page = answer.content.decode()
    assert (answer.redirect_chain, "/password/" in page) == ([(PAGE, 302)], False)
    assert "outsider has an account already and is a member now." in page
    assert User.objects.get(pk=outsider.pk).check_password(NEW)
    assert Membership.objects.get(organization__slug="acme", user=outsider).role == "member"


def test_no_link_is_given_for_an_operator_or_for_who_waits_elsewhere(
    boss: Client, other_organization: Organization
) -> None:
    services.ensure_account("root@example.com", operator=True)
    services.invite(organization=other_organization, email=ANN, role="viewer")
    for name in ("root@example.com", ANN):
        assert invite(boss, name).status_code == 302
        answer = boss.post(f"{PAGE}{Membership.objects.get(user__username=name, organization__slug='acme').pk}/link/")
        assert answer.status_code == 302
    assert "only an operator can make a link" in boss.get(PAGE).content.decode()


def test_a_new_link_takes_the_place_of_the_first_until_there_is_a_password(boss: Client) -> None:
    first = link_in(invite(boss))
    second = link_in(boss.post(f"{PAGE}{number_of(ANN)}/link/"))
    assert choose(first) is None
    assert choose(second)
    assert "New link" not in boss.get(PAGE).content.decode()
    assert "only an operator can make a link" in said(boss, f"{PAGE}{number_of(ANN)}/link/", {})


@pytest.mark.parametrize(
    ("email", "role", "message"),
    [
        ("", "viewer", "This field is required."),
        ("ann", "viewer", "Enter a valid email address."),
        ("<b>@example.com", "viewer", "Enter a valid email address."),
        ("a\0@example.com", "viewer", "Null characters are not allowed."),
        ("x" * 150 + "@e.de", "viewer", "at most 150 characters"),
        (ANN, "king", "king is not one of the available choices."),
        (ANN, "", "This field is required."),
    ],
)
def test_what_cannot_be_is_said_at_the_form(boss: Client, email: str, role: str, message: str) -> None:
    answer = invite(boss, email, role)
    assert (answer.status_code, message in answer.content.decode()) == (200, True)
    assert Membership.objects.count() == 1


def test_a_limit_is_said_at_the_form(boss: Client, settings: Any) -> None:
    settings.ORGANIZATION_MAX_MEMBERS = 1
    assert "ORGANIZATION_MAX_MEMBERS allows 1" in invite(boss).content.decode()
    assert not User.objects.filter(username=ANN).exists()


def test_where_mail_is_sent_only_the_person_gets_the_link(boss: Client, settings: Any) -> None:
    settings.EMAIL_HOST = "mail.example.com"
    answer = boss.post(PAGE, {"email": ANN, "role": "viewer"}, follow=True)
    page = answer.content.decode()
    assert (f"A link was mailed to {ANN}" in page, "/password/" in page) == (True, False)
    [sent] = mail.outbox
    [link] = re.findall(r"http://127\.0\.0\.1:8000(/password/\S+)", str(sent.body))
    assert (sent.to, choose(link) is not None) == ([ANN], True)


# --- Roles ---------------------------------------------------------------------------------------------------


def test_a_role_is_changed_and_holds_at_once(boss: Client, viewer: Client) -> None:
    path = f"{PAGE}{number_of('viewer@example.com')}/"
    assert viewer.post(PAGE, {"email": ANN, "role": "viewer"}).status_code == 403
    assert said(boss, path, {"role": "owner"}) == "viewer@example.com is an owner now."
    assert invite(viewer).status_code == 200
    assert said(boss, path, {"role": "viewer"}) == "viewer@example.com is a viewer now."
    assert invite(viewer, "bob@example.com").status_code == 403
    assert said(boss, path, {"role": "viewer"}) == ""
    assert said(boss, path, {"role": "king"}) == "There is no such role."
    assert said(boss, path, {}) == "There is no such role."


def test_the_last_owner_can_neither_step_down_nor_leave(boss: Client) -> None:
    number = number_of("owner@example.com")
    assert "This is the last owner of Acme." in said(boss, f"{PAGE}{number}/", {"role": "member"})
    assert "This is the last owner of Acme." in said(boss, f"{PAGE}leave/", {})
    assert boss.post(f"{PAGE}{number}/remove/")["Location"] == f"{PAGE}leave/"
    assert Membership.objects.get().role == "owner"


def test_a_removed_member_sees_what_an_outsider_sees_at_once(
    boss: Client, member: Client, stranger_signed_in: Client
) -> None:
    assert member.get("/o/acme/").status_code == 200
    path = f"{PAGE}{number_of('member@example.com')}/remove/"
    assert "Remove member@example.com?" in boss.get(path).content.decode()
    assert member.get("/o/acme/").status_code == 200, "asking removes nobody"
    assert said(boss, path, {}) == "member@example.com is no member any more."
    for page in ("/o/acme/", PAGE):
        assert member.get(page).status_code == stranger_signed_in.get(page).status_code == 404


def test_a_link_stops_working_when_its_person_is_removed(boss: Client) -> None:
    link = link_in(invite(boss))
    boss.post(f"{PAGE}{number_of(ANN)}/remove/")
    assert choose(link) is None


@pytest.mark.parametrize("role", ["viewer", "member"])
def test_everybody_but_the_last_owner_may_leave(sign_in: Callable[[str], Client], boss: Client, role: str) -> None:
    client = sign_in(role)
    assert "Leave Acme?" in client.get(f"{PAGE}leave/").content.decode()
    answer = client.post(f"{PAGE}leave/", follow=True)
    assert "You left Acme." in answer.content.decode()
    assert client.get(PAGE).status_code == 404
    assert Membership.objects.get().role == "owner"


def test_an_operator_who_is_no_member_manages_members_and_has_nothing_to_leave(
    admin_client: Client, organization: Organization
) -> None:
    assert "There is no member yet." in admin_client.get(PAGE).content.decode()
    assert choose(link_in(invite(admin_client)))
    assert admin_client.post(f"{PAGE}leave/")["Location"] == PAGE
    assert Membership.objects.get().user.username == ANN


# --- Who may -------------------------------------------------------------------------------------------------

WAYS = ["", "{}/", "{}/link/", "{}/remove/"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("role", ["viewer", "member", "outsider", "stranger"])
def test_only_an_owner_changes_members(
    sign_in: Callable[[str], Client], stranger_signed_in: Client, boss: Client, role: str, way: str
) -> None:
    invite(boss)
    client = {"outsider": stranger_signed_in, "stranger": Client()}.get(role) or sign_in(role)
    before = list(Membership.objects.order_by("pk").values())
    path = PAGE + way.format(number_of(ANN))
    answer = client.post(path, {"email": "eve@example.com", "role": "owner"})
    assert answer.status_code == {"outsider": 404, "stranger": 302}.get(role, 403)
    if role == "stranger":
        assert answer["Location"].startswith("/login/?next=/")
    assert list(Membership.objects.order_by("pk").values()) == before


@pytest.mark.parametrize("role", ["viewer", "member"])
def test_others_see_names_and_roles_and_no_forms(sign_in: Callable[[str], Client], boss: Client, role: str) -> None:
    invite(boss)
    client = sign_in(role)
    page = client.get(PAGE).content.decode().partition("<main")[2]
    assert ANN in page
    assert "<td>Viewer</td>" in page
    assert "<form" not in page
    assert "Leave" in page


@pytest.mark.parametrize("number", ["0", "-1", "x", "٣", "9" * 30, "1" * 18, "%00"])
def test_a_member_who_does_not_exist_is_not_found(boss: Client, number: str) -> None:
    for way in ("", "link/", "remove/"):
        assert boss.post(f"{PAGE}{number}/{way}", {"role": "owner"}).status_code == 404


def test_a_member_of_another_organization_is_not_found(boss: Client, outsider: User) -> None:
    for way in ("", "link/", "remove/"):
        assert boss.post(f"{PAGE}{number_of('outsider')}/{way}", {"role": "viewer"}).status_code == 404
    assert Membership.objects.get(user=outsider).role == "owner"


def test_a_name_is_text_and_not_markup(boss: Client, organization: Organization) -> None:
    user = User.objects.create_user("<img src=x onerror=alert(1)>")
    services.add_member(organization=organization, user_id=user.pk)
    organization.name = "<script>alert(1)</script>"
    services.update_organization(organization=organization)
    number = Membership.objects.get(user=user).pk
    for path in (PAGE, f"{PAGE}{number}/remove/", f"{PAGE}leave/", "/account/"):
        page = boss.get(path).content.decode()
        assert ("<img src=x" in page, "<script>alert" in page) == (False, False), path


def test_two_owners_who_invite_one_person_at_once_are_not_told_of_a_slug(
    sign_in: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    boss = sign_in("owner")
    User.objects.create_user(ANN)
    monkeypatch.setattr("projects.services.people.find_account", lambda _: None)  # as it was a moment before
    page = invite(boss).content.decode()
    assert ("Somebody changed the same thing at this moment." in page, "slug is taken" in page) == (True, False)
    assert not Membership.objects.filter(user__username=ANN).exists()
