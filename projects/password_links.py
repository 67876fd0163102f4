"""Links on which a person chooses a password. Each works once and for some days (PASSWORD_RESET_TIMEOUT).

A link is worth a password: it is shown once or mailed, and never logged.
"""

from __future__ import annotations

import logging
from smtplib import SMTPException

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import get_connection, send_mail
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

log = logging.getLogger(__name__)

SUBJECT = "Choose a password for the event counts"
# No name of an organization or a person stands here, because people whom nobody knows could write what they like there.
TEXT = """Somebody invited you to the event counts at {place}, or asked for a new password for you.

You sign in as {name}. Choose a password within {days} days:

{link}

The link works once. If you did not expect this mail, you need not do anything.
"""


def make_link(user: User) -> str:
    """Return a new link for this account. It stops working once it was used, or when the person signs in."""
    number = urlsafe_base64_encode(force_bytes(user.pk))
    path = reverse("password-link", kwargs={"uidb64": number, "token": default_token_generator.make_token(user)})
    return f"{settings.PUBLIC_URL}{path}"


def link_days() -> int:
    """Return how many days a link works."""
    return int(settings.PASSWORD_RESET_TIMEOUT) // 86400


def can_mail() -> bool:
    """Return whether there is a mail server."""
    return bool(settings.EMAIL_HOST)


def mail_link(user: User, link: str) -> bool:
    """Mail a link to the account's address, and return whether the mail server took it. A failure is logged."""
    if not can_mail() or not user.email:
        return False
    text = TEXT.format(place=settings.PUBLIC_URL, name=user.get_username(), days=link_days(), link=link)
    try:
        with get_connection() as connection:
            send_mail(SUBJECT, text, None, [user.email], connection=connection)
    except (OSError, SMTPException, ValueError) as error:
        # The text of the error may hold the address or the password.
        log.error("a mail could not be sent: %s", type(error).__name__)
        return False
    return True
