"""Mails with a link for people who forgot their password.

They are sent after the answer, by a thread of their own. So the answer takes no longer for a name that exists, and a
slow mail server holds no request.
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from django.contrib.auth.models import User

from projects.password_links import mail_link, make_link
from projects.services import find_account

log = logging.getLogger(__name__)

PAUSE = 300
"""Seconds in which one name is sent one mail, so that nobody can fill another person's mailbox."""
MOST_WAITING = 20
"""The most mails that wait for the mail server. More are not sent."""
MOST_NAMES = 10_000
"""The most names that this process remembers for PAUSE."""

_sending = ThreadPoolExecutor(1, "mails")
_room = threading.BoundedSemaphore(MOST_WAITING)
_asked: dict[str, float] = {}
_noting = threading.Lock()


def mail_new_link(name: str) -> None:
    """Mail a link to the account with this name or address, soon, if there is one. The caller learns nothing of it."""
    user = _account(name)
    if user is None or not user.is_active or not user.email:
        return
    if not _room.acquire(blocking=False):
        log.error("a mail was not sent: %d others wait for the mail server", MOST_WAITING)
        return
    # The name is noted only once there is room, because somebody who was sent nothing may ask again at once.
    if not _is_first(user.get_username()):
        _room.release()
        return
    _sending.submit(_send, user, make_link(user))


def _account(name: str) -> User | None:
    """Return the account with this name, or the only one with this address."""
    found = find_account(name)
    if found or "\0" in name:
        return found
    same = [one for one in User.objects.filter(email__iexact=name)[:2] if one.email.lower() == name.lower()]
    return same[0] if len(same) == 1 else None


def _is_first(name: str) -> bool:
    """Return whether no mail was sent to this name within PAUSE, and note that one is sent now."""
    now = time.monotonic()
    with _noting:
        if now - _asked.get(name, -PAUSE) < PAUSE:
            return False
        if len(_asked) >= MOST_NAMES:
            _asked.clear()
        _asked[name] = now
        return True


def _send(user: User, link: str) -> None:
    try:
        mail_link(user, link)
    finally:
        _room.release()
