"""Mail with a link, through a mail server that the test runs: what arrives, and what a failure costs."""

from __future__ import annotations

import email
import socketserver
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from django.contrib.auth.models import User

from projects import services
from projects.models import Organization
from projects.password_links import mail_link, make_link

pytestmark = [pytest.mark.django_db, pytest.mark.once]
SECRET = "mail-hunter2"


class Receiver(socketserver.ThreadingTCPServer):
    """A mail server without TLS. It refuses the recipient `nobody@example.com`, and says nothing when it is silent."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.received: list[tuple[str, list[str], EmailMessage]] = []
        self.silent = False
        self.ended = threading.Event()


class _Session(socketserver.StreamRequestHandler):
    server: Receiver

    def handle(self) -> None:
        if self.server.silent:
            self.server.ended.wait(30)
            return
        sender, recipients = "", []
        self._say("220 here")
        for line in self.rfile:
            word, _, rest = line.decode().strip().partition(" ")
            match word.upper():
                case "MAIL":
                    sender = rest.partition("<")[2].partition(">")[0]
                case "RCPT" if "nobody@example.com" in rest:
                    self._say("550 nobody is called that")
                    continue
                case "RCPT":
                    recipients.append(rest.partition("<")[2].partition(">")[0])
                case "DATA":
                    self._say("354 go on")
                    lines = iter(self.rfile.readline, b".\r\n")
                    message = email.message_from_bytes(b"".join(lines), policy=default)
                    assert isinstance(message, EmailMessage)
                    self.server.received.append((sender, recipients, message))
                case "QUIT":
                    self._say("221 bye")
                    return
            self._say("250 fine")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address[:2]
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.DEFAULT_FROM_EMAIL = "Stats <stats@example.com>"
        yield server
        server.ended.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def ann(organization: Organization) -> User:
    return services.invite(organization=organization, email="ann@example.com", role="viewer").membership.user


def test_a_mail_says_who_where_and_for_how_long(receiver: Receiver, ann: User) -> None:
    link = make_link(ann)
    assert mail_link(ann, link)
    [(sender, recipients, message)] = receiver.received
    assert (sender, recipients) == ("stats@example.com", ["ann@example.com"])
    assert (message["From"], message["To"]) == ("Stats <stats@example.com>", "ann@example.com")
    assert message["Subject"] == "Choose a password for the event counts"
    text = message.get_content()
    for part in (link, "http://127.0.0.1:8000", "You sign in as ann@example.com", "within 3 days"):
        assert part in text


def test_no_name_that_others_choose_stands_in_a_mail(receiver: Receiver, organization: Organization) -> None:
    organization.name = "Buy now at evil.example.com"
    services.update_organization(organization=organization)
    invited = services.invite(organization=organization, email="bob@example.com", role="viewer")
    assert mail_link(invited.membership.user, make_link(invited.membership.user))
    assert "evil" not in receiver.received[0][2].as_string()


def test_a_mail_server_without_tls_is_not_told_a_password_or_a_link(
    receiver: Receiver, ann: User, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.EMAIL_USE_TLS = True
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "ann", SECRET
    link = make_link(ann)
    assert not mail_link(ann, link)
    assert receiver.received == []
    assert "a mail could not be sent: SMTPNotSupportedError" in caplog.text
    assert SECRET not in caplog.text
    assert link not in caplog.text


def test_a_recipient_that_is_refused_is_a_failure_and_stands_in_no_log(
    receiver: Receiver, organization: Organization, caplog: pytest.LogCaptureFixture
) -> None:
    user = services.invite(organization=organization, email="nobody@example.com", role="viewer").membership.user
    assert not mail_link(user, make_link(user))
    assert "SMTPRecipientsRefused" in caplog.text
    assert "nobody@" not in caplog.text


def test_a_silent_mail_server_is_waited_for_no_longer_than_the_time_out(
    receiver: Receiver, ann: User, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.silent = True
    settings.EMAIL_TIMEOUT = 0.2
    assert not mail_link(ann, make_link(ann))
    assert "a mail could not be sent: SMTPServerDisconnected" in caplog.text


def test_an_account_without_an_address_gets_no_mail(receiver: Receiver, owner: User) -> None:
    assert not mail_link(owner, make_link(owner))
    assert receiver.received == []
