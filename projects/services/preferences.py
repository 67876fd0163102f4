"""What a person chose for all pages."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from projects.models import Preference


def keep_timezone(user: User, timezone: str) -> None:
    """Keep a person's time zone, an IANA name, or an empty text for the browser's. Raises ValidationError."""
    if timezone and timezone not in zone_names():
        raise ValidationError(f"There is no time zone “{timezone[:64]}”.")
    Preference.objects.update_or_create(user=user, defaults={"timezone": timezone})


@cache
def zone_names() -> frozenset[str]:
    """Return the names of all zones. `localtime` is the machine's own, and left out."""
    return frozenset(available_timezones() - {"localtime"})
