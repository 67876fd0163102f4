"""The command createuser: its link, what the person may do then, and what it refuses."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client

from projects import services
from projects.models import Membership, Organization
from tests.servers import free_port

ANN = "ann@example.com"


@pytest.fixture(autouse=True)
def _quick_hash(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def createuser(*arguments: str) -> tuple[str, str]:
    output, errors = StringIO(), StringIO()
    call_command("createuser", *arguments, stdout=output, stderr=errors)
    return output.getvalue(), errors.getvalue()


def choose(link: str, password: str = "a long one for tests") -> Client | None:
    """Choose a password on a link, and return the person's client, or None if the link does not work."""
    client = Client()
    page = client.get(link.strip().removeprefix("http://127.0.0.1:8000"), follow=True)
    form = {"new_password1": password, "new_password2": password}
    answer = client.post(page.request["PATH_INFO"], form)
    return client if answer.status_code == 302 else None


def test_it_prints_a_link_alone_and_the_person_is_a_viewer(organization: Organization) -> None:
    output, errors = createuser("Ann@Example.com", "--organization", "acme")
    assert (output.count("\n"), output.startswith("http://127.0.0.1:8000/password/"), errors) == (1, True, "")
    client = choose(output)
    assert client
    assert client.get("/", follow=True).request["PATH_INFO"] == "/o/acme/"
    membership = Membership.objects.get()
    assert (membership.user.username, membership.role) == (ANN, "viewer")


def test_the_first_operator_of_an_empty_installation_enters_the_admin(db: None) -> None:
    client = choose(createuser(ANN, "--operator")[0])
    assert client
    assert client.get("/admin/").status_code == 200
    assert User.objects.get().is_superuser


def test_again_it_makes_another_link_and_changes_nothing_else(organization: Organization) -> None:
    first, _ = createuser(ANN, "--organization", "acme", "--role", "owner")
    second, _ = createuser(ANN, "--organization", "acme")
    assert choose(first) is None
    assert choose(second)
    third, _ = createuser(ANN)
    assert choose(third, "yet another long one")
    assert Membership.objects.get().role == "owner"
    assert User.objects.get().check_password("yet another long one")


def test_a_role_takes_the_place_of_the_earlier_one(organization: Organization, owner: User) -> None:
    createuser(ANN, "--organization", "acme", "--role", "viewer")
    createuser(ANN, "--organization", "acme", "--role", "member")
    assert Membership.objects.get(user__username=ANN).role == "member"
    with pytest.raises(CommandError, match="last owner"):
        createuser("owner", "--organization", "acme", "--role", "member")


def test_an_account_keeps_its_password_until_the_link_is_used(organization: Organization) -> None:
    User.objects.create_user("boss", password="old one of the boss")
    link, _ = createuser("boss")
    assert Client().post("/login/", {"username": "boss", "password": "old one of the boss"}).status_code == 302
    assert choose(link) is None, "signing in makes a link stop working"
    link, _ = createuser("boss")
    assert choose(link)


def test_the_link_is_mailed_where_there_is_a_mail_server(organization: Organization, settings: Any) -> None:
    settings.EMAIL_HOST = "mail.example.com"
    output, errors = createuser(ANN, "--organization", "acme")
    [sent] = mail.outbox
    assert (sent.to, output.strip() in sent.body, errors) == ([ANN], True, f"Mailed to {ANN}.\n")


def test_a_mail_that_fails_is_told_and_the_link_is_printed(organization: Organization, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    output, errors = createuser(ANN, "--organization", "acme")
    assert errors == "It could not be mailed.\n"
    assert choose(output)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([ANN], "There is no account 'ann@example.com'."),
        ([ANN, "--organization", "nobody"], "There is no organization with the slug 'nobody'."),
        ([ANN, "--role", "owner"], "--role needs --organization."),
        ([ANN, "--organization", "acme", "--role", "king"], "invalid choice: 'king'"),
        (["ann", "--organization", "acme"], "Enter a valid email address."),
        (["x" * 150 + "@e.de", "--operator"], "at most 150 characters"),
        (["off", "--organization", "acme"], "The account off is switched off."),
        ([], "the following arguments are required: EMAIL"),
    ],
)
def test_it_refuses_what_cannot_be(organization: Organization, arguments: list[str], message: str) -> None:
    User.objects.create_user("off", is_active=False)
    with pytest.raises(CommandError) as refused:
        createuser(*arguments)
    assert message in str(refused.value)
    assert User.objects.count() == 1
    assert not Membership.objects.exists()


def test_a_limit_is_named_and_makes_no_account(organization: Organization, owner: User, settings: Any) -> None:
    settings.ORGANIZATION_MAX_MEMBERS = 1
    with pytest.raises(CommandError, match="ORGANIZATION_MAX_MEMBERS allows 1"):
        createuser(ANN, "--organization", "acme")
    assert not services.find_account(ANN)
