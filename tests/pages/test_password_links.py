"""Links on which a password is chosen, and mails with them."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.utils import timezone
from structlog.stdlib import ProcessorFormatter

from projects import services
from projects.models import Organization
from projects.password_links import make_link
from statsapi.operations import logs
from statsapi.pages.accounts import mails
from tests.servers import wait_for

pytestmark = pytest.mark.django_db
NEW = "a long one for tests"
ANN = "ann@example.com"


@pytest.fixture(autouse=True)
def _quick_hash(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def ann(organization: Organization) -> User:
    return services.invite(organization=organization, email=ANN, role="viewer").membership.user


@pytest.fixture
def mail_server(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.EMAIL_HOST = "mail.example.com"
    monkeypatch.setattr(mails, "_asked", {})


def path_of(link: str) -> str:
    return link.removeprefix("http://127.0.0.1:8000")


def choose(client: Client, link: str, password: str = NEW, again: str | None = None) -> Any:
    """Open the link and fill in the form that it leads to."""
    page = client.get(path_of(link), follow=True)
    form = {"new_password1": password, "new_password2": password if again is None else again}
    return client.post(page.request["PATH_INFO"], form)


def ask(name: str = ANN) -> Any:
    return Client().post("/password/", {"name": name}, follow=True)


# --- The link ------------------------------------------------------------------------------------------------


def test_the_link_leads_to_a_form_whose_address_does_not_hold_the_token(client: Client, ann: User) -> None:
    link = make_link(ann)
    assert link.startswith("http://127.0.0.1:8000/password/")
    page = client.get(path_of(link), follow=True)
    [(where, status)] = page.redirect_chain
    assert (where.endswith("/set-password/"), status) == (True, 302)
    token = link.split("/")[-2]
    assert token not in page.content.decode() + str(page.headers) + where
    assert ANN in page.content.decode()
    assert "no-store" in page["Cache-Control"]


def test_choosing_a_password_signs_in_and_leads_to_the_organization(client: Client, ann: User) -> None:
    answer = choose(client, make_link(ann))
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.get("/", follow=True).request["PATH_INFO"] == "/o/acme/"
    assert Client().post("/login/", {"username": ANN, "password": NEW}).status_code == 302


def test_it_works_once(client: Client, ann: User) -> None:
    link = make_link(ann)
    second = make_link(ann)
    waiting = Client()
    form = waiting.get(path_of(second), follow=True).request["PATH_INFO"]
    choose(client, link)
    for late in (link, second):
        page = Client().get(path_of(late), follow=True)
        assert (page.status_code, "This link does not work" in page.content.decode()) == (404, True)
    # A form that was open meanwhile changes nothing either.
    assert waiting.post(form, {"new_password1": "stolen now", "new_password2": "stolen now"}).status_code == 404
    assert User.objects.get().check_password(NEW)


def test_looking_at_it_does_not_use_it_up(ann: User) -> None:
    link = make_link(ann)
    for _ in range(3):
        assert Client().get(path_of(link)).status_code == 302
        assert Client().head(path_of(link)).status_code == 302
    assert choose(Client(), link).status_code == 302


def test_it_works_for_three_days(ann: User) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        link = make_link(ann)
        clock.shift(timedelta(days=3))
        assert Client().get(path_of(link)).status_code == 302
        clock.shift(timedelta(seconds=1))
        assert Client().get(path_of(link)).status_code == 404


def test_the_link_of_one_person_does_not_open_the_account_of_another(ann: User, outsider: User) -> None:
    others = make_link(outsider).split("/")[-3]
    own = make_link(ann).split("/")
    own[-3] = others
    assert Client().get(path_of("/".join(own))).status_code == 404
    # Nor does a session that holds the first one's token.
    client = Client()
    client.get(path_of(make_link(ann)))
    form = {"new_password1": NEW, "new_password2": NEW}
    assert client.post(f"/password/{others}/set-password/", form).status_code == 404
    outsider.refresh_from_db()
    assert not outsider.has_usable_password()


@pytest.mark.parametrize("number", ["MQ", "x", "%00", "AA", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "4piD", "LTE", "2aE"])
@pytest.mark.parametrize("token", ["set-password", "x", "cx1234-" + "0" * 32, "%00", "☃"])
def test_a_link_that_nobody_made_does_not_work(client: Client, number: str, token: str) -> None:
    assert client.get(f"/password/{number}/{token}/").status_code == 404
    assert client.post(f"/password/{number}/{token}/", {"new_password1": NEW, "new_password2": NEW}).status_code == 404


def test_an_account_that_is_switched_off_cannot_use_its_link(client: Client, ann: User) -> None:
    link = make_link(ann)
    User.objects.update(is_active=False)
    assert client.get(path_of(link)).status_code == 404


def test_passwords_that_break_a_rule_are_refused_and_the_link_still_works(client: Client, ann: User) -> None:
    link = make_link(ann)
    for password, again, said in (
        ("short", "short", "too short"),
        (NEW, "other", "didn’t match"),
        ("", "", "required"),
    ):
        page = choose(client, link, password, again)
        assert (page.status_code, said in page.content.decode()) == (200, True)
    assert choose(client, link).status_code == 302


def test_somebody_else_who_is_signed_in_is_signed_out(client: Client, ann: User, outsider: User) -> None:
    client.force_login(outsider)
    link = make_link(ann)
    assert "outsider is signed out then" in client.get(path_of(link), follow=True).content.decode()
    assert choose(client, link).status_code == 302
    assert ANN in client.get("/account/").content.decode()


def test_a_form_of_another_site_chooses_no_password(ann: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert choose(strict, make_link(ann)).status_code == 403


def test_a_link_stands_in_no_log_even_if_its_page_fails(
    client: Client, ann: User, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = make_link(ann)

    def fail(*_: object) -> None:
        raise RuntimeError(f"broken at {link}")

    formatter = logs.configuration("DEBUG")["formatters"]["line"]
    rendered = ProcessorFormatter(**{name: value for name, value in formatter.items() if name != "()"})
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr("statsapi.pages.accounts.passwords.PasswordLink.get_user", fail)
    client.raise_request_exception = False
    assert client.get(path_of(link)).status_code == 500
    lines = [rendered.format(record) for record in caplog.records]
    assert any("/password/***" in line for line in lines)
    assert not [line for line in lines if link.split("/")[-2] in line]


# --- Mails ---------------------------------------------------------------------------------------------------


def test_without_a_mail_server_the_page_says_whom_to_ask(ann: User) -> None:
    page = Client().get("/password/").content.decode()
    assert "This service sends no mail. Ask an operator" in page
    assert '<form method="post">' not in page
    assert Client().post("/password/", {"name": ANN}).status_code == 200
    assert mail.outbox == []


@pytest.mark.usefixtures("mail_server")
@pytest.mark.parametrize("name", [ANN, "ANN@example.com"])
def test_a_mail_holds_a_link_that_works(client: Client, ann: User, name: str) -> None:
    choose(client, make_link(ann))
    ask(name)
    wait_for(lambda: bool(mail.outbox), "the mail")
    [sent] = mail.outbox
    assert sent.to == [ANN]
    [link] = [line for line in str(sent.body).splitlines() if "/password/" in line]
    assert choose(Client(), link, "yet another long one").status_code == 302
    assert User.objects.get().check_password("yet another long one")


@pytest.mark.usefixtures("mail_server")
def test_an_account_of_another_name_is_found_by_its_address(ann: User) -> None:
    User.objects.create_superuser("boss", "Boss@example.com", NEW)
    ask("boss@example.com")
    wait_for(lambda: bool(mail.outbox), "the mail")
    assert (mail.outbox[0].to, "as boss." in mail.outbox[0].body) == (["Boss@example.com"], True)


@pytest.mark.usefixtures("mail_server")
def test_the_answer_is_the_same_for_every_name_and_most_get_no_mail(ann: User) -> None:
    User.objects.create_user("off@example.com", "off@example.com", is_active=False)
    User.objects.create_user("nomail")
    for name in ("twin1", "twin2"):
        User.objects.create_user(name, "twins@example.com")
    names = [ANN, "nobody@example.com", "off@example.com", "nomail", "twins@example.com", "%@example.com", "☃"]
    answers = [ask(name) for name in names]
    assert {answer.redirect_chain[0] for answer in answers} == {("/login/", 302)}
    shown = [answer.content.decode().split('<main id="content">')[1] for answer in answers]
    assert len({re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page) for page in shown}) == 1
    wait_for(lambda: bool(mail.outbox), "the mail")
    assert [sent.to for sent in mail.outbox] == [[ANN]]


@pytest.mark.usefixtures("mail_server")
def test_one_name_gets_one_mail_in_five_minutes(ann: User) -> None:
    for _ in range(5):
        ask()
    ask("ANN@example.com")
    User.objects.create_user("bob", "bob@example.com")
    ask("bob")  # mails are sent in their order
    wait_for(lambda: [sent.to for sent in mail.outbox][-1:] == [["bob@example.com"]], "the mails")
    assert [sent.to for sent in mail.outbox] == [[ANN], ["bob@example.com"]]


@pytest.mark.usefixtures("mail_server")
def test_who_was_sent_nothing_for_lack_of_room_may_ask_again_at_once(ann: User) -> None:
    for _ in range(mails.MOST_WAITING):
        assert mails._room.acquire(blocking=False)
    try:
        ask()
    finally:
        mails._room.release(mails.MOST_WAITING)
    ask()
    wait_for(lambda: bool(mail.outbox), "the mail")
    assert [sent.to for sent in mail.outbox] == [[ANN]]
