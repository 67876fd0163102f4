"""Protection against guessing passwords.

After 10 wrong passwords for a name from an address, the name is refused from there for 15 minutes. django-axes looks
before the password is hashed, so a refused guess costs two small queries. Its rows are in the database, so people can
sign in while Redis does not answer. A row holds only what decides, so that nobody can fill the database with invented
user agents. Rows that have expired are deleted at the next wrong password.

Hashing a password takes a core for a quarter of a second, on purpose. So one password is hashed at a time, and few
requests wait for it. The rest of the service goes on, and many guesses at once lock the name as if one by one.
"""

from __future__ import annotations

import logging
import math
import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone

from statsapi.http.client_address import client_address
from statsapi.http.refusal_pages import refusal
from statsapi.operations.retry import RETRY_AFTER

log = logging.getLogger(__package__)

UNKNOWN = "::"
"""The address of a client that connects through a socket without addresses."""

MOST = 16
"""How many people may be signing in at the same time. Each holds a thread."""
MOST_FROM_ONE = 4
"""How many of them may come from one address, so that one client cannot keep all others waiting."""


_here: Counter[str] = Counter()
"""How many requests of each address have a password to hash, or wait for it."""
_counting, _hashing = threading.Lock(), threading.Lock()


def one_at_a_time(sign_in: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Return a view that checks or sets one password at a time. All such views of a process wait for each other.

    A request that comes while MOST wait, or MOST_FROM_ONE from its address, is answered 503, and its password is not
    checked.
    """

    def one(request: HttpRequest, **path: str) -> HttpResponseBase:
        if request.method != "POST":
            return sign_in(request, **path)
        address = guessing_address(request)
        with _counting:
            if _here[address] >= MOST_FROM_ONE or _here.total() >= MOST:
                return refusal(request, 503, "Too many are signing in", "Try again in a moment.", RETRY_AFTER)
            _here[address] += 1
        try:
            with _hashing:
                return sign_in(request, **path)
        finally:
            with _counting:
                _here[address] -= 1
                if not _here[address]:
                    del _here[address]

    one.__module__ = __package__  # the metrics name this view by it, as they did when the package was one module
    return one


class Guesses(AxesDatabaseHandler):  # type: ignore[misc]
    """Counts wrong passwords in one row for each name and address. The last one begins the 15 minutes."""

    def user_login_failed(self, sender: Any, credentials: dict[str, Any], request: Any = None, **kwargs: Any) -> None:
        """Count a wrong password, unless it was refused unchecked. Delete the rows that have expired."""
        if request is None:
            return
        request.axes_credentials = credentials
        if request.axes_locked_out:
            return  # the password was not checked, so it prolongs nothing
        self.clean_expired_user_attempts(request, credentials)
        row = {"username": credentials["username"], "ip_address": request.axes_ip_address, "user_agent": ""}
        with transaction.atomic():
            AccessAttempt.objects.get_or_create(**row, defaults={"failures_since_start": 0})
            AccessAttempt.objects.filter(**row).update(
                failures_since_start=F("failures_since_start") + 1, attempt_time=request.axes_attempt_time
            )
        request.axes_locked_out = self.is_locked(request, credentials)
        if request.axes_locked_out:
            # The name is not logged: people type their password there by mistake.
            log.warning("too many wrong passwords for one name from %s: refused for a while", request.axes_ip_address)


def guessing_address(request: HttpRequest) -> str:
    """Return the address that a wrong password is counted for.

    That is the client's address. For IPv6 it is the network of 64 bits, which one client can have.
    """
    try:
        address = ip_address(client_address(request))
    except ValueError:
        return UNKNOWN
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or ip_network((address.packed, 64), strict=False).network_address)
    return str(address)


def locked_out(request: Any, response: HttpResponse, credentials: dict[str, Any] | None) -> HttpResponse:
    """Answer a name that is refused: AXES_LOCKOUT_CALLABLE of django-axes."""
    wait: timedelta = settings.AXES_COOLOFF_TIME
    name = (credentials or {}).get("username")
    row = AccessAttempt.objects.filter(username=name, ip_address=request.axes_ip_address).first()
    left = wait if row is None else row.attempt_time + wait - timezone.now()
    seconds = max(1, math.ceil(left.total_seconds()))
    minutes = math.ceil(seconds / 60)
    return refusal(
        request,
        429,
        "Too many wrong passwords",
        f"Signing in with this name from here is possible again in {minutes} minute{'s' if minutes > 1 else ''}.",
        {"Retry-After": str(seconds)},
    )
