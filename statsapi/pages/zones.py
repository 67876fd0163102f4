"""The time zone in which a person reads: the one in the address, the one they keep, the browser's, or UTC."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from django.http import HttpRequest

from projects.models import Preference
from projects.services import zone_names as zone_names

BROWSER_COOKIE = "browser_timezone"
"""The script of the pages keeps the browser's zone in it, because a browser does not send it by itself."""
PARAMETER = "timezone"


class Zone(NamedTuple):
    """A time zone by its IANA name, and where the choice comes from: `address`, `kept`, `browser` or `default`."""

    name: str
    chosen: str

    @property
    def info(self) -> ZoneInfo:
        """The zone itself."""
        return ZoneInfo(self.name)


def zone_of(request: HttpRequest) -> Zone:
    """Return the zone of a request. A name that is no zone's is passed over.

    It is found out once in a request, which keeps it.
    """
    found: Zone | None = getattr(request, "page_zone", None)
    if found is None:
        found = request.page_zone = _choose(request)  # type: ignore[attr-defined]
    return found


def moment_text(instant: int, zone: Zone, *, now: int) -> str:
    """Return an instant of the near future in a zone: `14:00`, `14:00:30`, or `28 Nov 00:00` if it is another day.

    Both instants are in seconds since the epoch.
    """
    moment, today = (datetime.fromtimestamp(seconds, zone.info) for seconds in (instant, now))
    clock = f"{moment:%H:%M:%S}" if moment.second else f"{moment:%H:%M}"
    return clock if moment.date() == today.date() else f"{moment.day} {moment:%b} {clock}"


def browser_zone(request: HttpRequest) -> str:
    """Return the zone of the browser, or an empty text if it did not tell one."""
    name = unquote(request.COOKIES.get(BROWSER_COOKIE, ""))
    return name if name in zone_names() else ""


def _choose(request: HttpRequest) -> Zone:
    for chosen, name in (("address", request.GET.get(PARAMETER, "")), ("kept", _kept(request))):
        if name in zone_names():
            return Zone(name, chosen)
    name = browser_zone(request)
    return Zone(name, "browser") if name else Zone("UTC", "default")


def _kept(request: HttpRequest) -> str:
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return ""
    return Preference.objects.filter(user=user.pk).values_list("timezone", flat=True).first() or ""
