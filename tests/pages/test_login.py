"""Signing in and out: where it leads, and that guesses are counted."""

from __future__ import annotations

from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.test import Client

pytestmark = pytest.mark.django_db
PASSWORD = "a long one for tests"
ANN = "ann@example.com"


@pytest.fixture(autouse=True)
def ann(settings: Any, db: None) -> User:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return User.objects.create_user(ANN, password=PASSWORD)


def sign_in(client: Client, name: str = ANN, password: str = PASSWORD, **more: str) -> Any:
    return client.post("/login/", {"username": name, "password": password, **more})


@pytest.mark.parametrize("name", [ANN, "Ann@Example.COM", f" {ANN} "])
def test_a_person_signs_in_however_they_write_their_address(client: Client, name: str) -> None:
    answer = sign_in(client, name)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.get("/account/").status_code == 200


def test_upper_and_lower_case_matter_in_a_name_that_is_no_address(client: Client) -> None:
    User.objects.create_user("boss", password=PASSWORD)
    assert sign_in(client, "Boss").status_code == 200
    assert sign_in(client, "boss").status_code == 302


def test_a_wrong_password_and_a_wrong_name_are_told_alike_and_the_name_stays(client: Client) -> None:
    pages = [sign_in(client, name, "wrong").content.decode() for name in (ANN, "bob@example.com")]
    for page, name in zip(pages, (ANN, "bob@example.com"), strict=True):
        assert "The name or the password is wrong." in page
        assert f'value="{name}"' in page
        assert "wrong&quot;" not in page


@pytest.mark.parametrize(
    ("where", "leads"),
    [
        ("/o/acme/web/?range=7d", "/o/acme/web/?range=7d"),
        ("http://testserver/account/", "http://testserver/account/"),
        ("", "/"),
        ("https://evil.example.com/", "/"),
        ("//evil.example.com/", "/"),
        ("/\\evil.example.com/", "/"),
        ("///evil.example.com", "/"),
        ("http:///evil.example.com", "/"),
        ("javascript:alert(1)", "/"),
        ("\x01//evil.example.com", "/"),
        ("/login/", "/"),
        ("/login/?next=/login/", "/"),
    ],
)
def test_it_leads_back_to_a_page_of_this_service_alone(client: Client, where: str, leads: str) -> None:
    assert sign_in(client, next=where)["Location"] == leads
    # The same for who is signed in already.
    answer = client.get("/login/", {"next": where})
    assert (answer.status_code, answer["Location"]) == (302, leads)


@pytest.mark.parametrize("name", ["a\0b", "x" * 10_000, "\ud800", "☃" * 150, "", "☃@example.com", "a\0@b"])
def test_no_name_is_an_error_of_the_service(client: Client, name: str) -> None:
    answers = [sign_in(client, name.encode("utf-8", "surrogatepass").decode("latin1")) for _ in range(11)]
    assert {answer.status_code for answer in answers} <= {200, 429}


def test_the_tenth_guess_locks_the_name_here_and_in_the_admin_however_it_is_written(client: Client) -> None:
    spellings = [ANN, ANN.upper(), ANN.title()]
    assert [sign_in(client, spellings[place % 3], "wrong").status_code for place in range(10)] == [200] * 9 + [429]
    locked = sign_in(client)
    assert (locked.status_code, "Too many wrong passwords" in locked.content.decode()) == (429, True)
    assert int(locked["Retry-After"]) > 800
    form = {"username": ANN, "password": PASSWORD, "next": "/admin/"}
    assert client.post("/admin/login/", form).status_code == 429
    assert AccessAttempt.objects.get().username == ANN
    assert Client(REMOTE_ADDR="192.0.2.9").post("/login/", form).status_code == 302


def test_guesses_of_names_that_do_not_exist_are_counted_in_one_spelling(client: Client) -> None:
    for name in ("Nobody@example.com", "NOBODY@example.com"):
        sign_in(client, name)
    [row] = AccessAttempt.objects.all()
    assert (row.username, row.failures_since_start) == ("nobody@example.com", 2)


def test_an_account_that_is_switched_off_does_not_get_in(client: Client) -> None:
    User.objects.update(is_active=False)
    assert sign_in(client).status_code == 200
    assert client.get("/account/").status_code == 302


def test_signing_out_needs_a_form_and_ends_the_session(client: Client) -> None:
    sign_in(client)
    assert client.get("/logout/").status_code == 405
    assert client.get("/account/").status_code == 200
    answer = client.post("/logout/")
    assert (answer.status_code, answer["Location"]) == (302, "/login/")
    assert client.get("/account/")["Location"] == "/login/?next=/account/"
    assert client.post("/logout/", {"next": "https://evil.example.com/"})["Location"] == "/login/"


@pytest.mark.parametrize("path", ["/login/", "/logout/", "/account/", "/password/"])
def test_forms_of_other_sites_are_refused(ann: User, path: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ann)
    assert strict.post(path, {"username": ANN, "password": PASSWORD}).status_code == 403


def test_a_strangers_long_form_is_refused_before_it_is_read(client: Client) -> None:
    for path in ("/login/", "/password/", "/password/MQ/set-password/"):
        assert client.post(path, {"name": "x" * 20_000}).status_code == 413
