"""A person's own account, and changing the password."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from projects import services
from projects.models import Organization

pytestmark = pytest.mark.django_db
OLD, NEW = "a long one for tests", "another long one"


@pytest.fixture
def ann(settings: Any, organization: Organization) -> User:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    user = User.objects.create_user("ann@example.com", password=OLD)
    services.add_member(organization=organization, user_id=user.pk, role="member")
    return user


@pytest.fixture
def signed_in(client: Client, ann: User) -> Client:
    client.force_login(ann)
    return client


def change(client: Client, old: str = OLD, new: str = NEW, again: str | None = None) -> Any:
    form = {"old_password": old, "new_password1": new, "new_password2": new if again is None else again}
    return client.post("/password/", form)


def test_it_shows_the_name_and_the_organizations_with_roles(
    signed_in: Client, other_organization: Organization
) -> None:
    page = signed_in.get("/account/").content.decode()
    assert "ann@example.com" in page
    assert '<a href="/o/acme/">Acme</a></th><td>Member</td>' in page
    assert "Other</a>" not in page


def test_a_time_zone_that_was_chosen_is_kept_and_selected(signed_in: Client, ann: User) -> None:
    assert "Your browser has not said its zone" in signed_in.get("/account/").content.decode()
    for zone in ("Europe/Berlin", "UTC", "EST5EDT", ""):
        answer = signed_in.post("/account/", {"timezone": zone}, follow=True)
        assert answer.redirect_chain == [("/account/", 302)]
        assert f'<option value="{zone}" selected>' in answer.content.decode()
        ann.refresh_from_db()
        assert ann.preference.timezone == zone


@pytest.mark.parametrize("zone", ["Mars/Olympus", "localtime", "../etc/passwd", "europe/berlin", "a\0"])
def test_what_is_no_time_zone_is_refused(signed_in: Client, ann: User, zone: str) -> None:
    page = signed_in.post("/account/", {"timezone": zone})
    assert (page.status_code, "Select a valid choice." in page.content.decode()) == (200, True)
    assert not hasattr(ann, "preference")


def test_with_the_old_password_a_new_one_is_chosen_and_other_browsers_are_signed_out(
    signed_in: Client, ann: User
) -> None:
    other = Client()
    other.force_login(ann)
    answer = change(signed_in)
    assert (answer.status_code, answer["Location"]) == (302, "/account/")
    assert signed_in.get("/account/").status_code == 200
    assert other.get("/account/").status_code == 302
    ann.refresh_from_db()
    assert ann.check_password(NEW)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"old": "wrong"}, "The old password is wrong."),
        ({"again": "different one"}, "didn’t match"),
        ({"new": "short1"}, "too short"),
        ({"new": "ann@example.com"}, "too similar"),
        ({"new": "password"}, "too common"),
        ({"new": ""}, "This field is required."),
    ],
)
def test_a_password_that_breaks_a_rule_is_refused(
    signed_in: Client, ann: User, form: dict[str, str], said: str
) -> None:
    page = change(signed_in, **form)
    assert (page.status_code, said in page.content.decode()) == (200, True)
    ann.refresh_from_db()
    assert ann.check_password(OLD)


def test_guesses_of_the_old_password_lock_as_at_sign_in(signed_in: Client, ann: User) -> None:
    assert [change(signed_in, old="wrong").status_code for _ in range(10)] == [200] * 9 + [429]
    assert change(signed_in).status_code == 429
    ann.refresh_from_db()
    assert ann.check_password(OLD)
    form = {"username": ann.username, "password": OLD}
    assert Client().post("/login/", form).status_code == 429


def test_a_stranger_has_no_account_page(client: Client) -> None:
    for ask in (client.get, client.post):
        assert ask("/account/")["Location"].startswith("/login/?next=")
