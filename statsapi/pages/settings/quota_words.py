"""A quota and its use in words."""

from __future__ import annotations

from tsdb.quotas import QuotaUse
from tsdb.units import HOUR, MINUTE

UNITS = {"seconds": 1, "minutes": MINUTE, "hours": HOUR}
"""The units in which a window can be given, by their seconds."""


def split_window(seconds: int) -> tuple[int, str]:
    """Return the length of a window as a number and the largest unit that it is a whole number of."""
    unit = next(unit for unit in reversed(UNITS) if seconds % UNITS[unit] == 0)
    return seconds // UNITS[unit], unit


def quota_text(count: int | None, window: int | None) -> str:
    """Return `100 errors in 5 minutes`, or `no limit`."""
    if count is None or window is None:
        return "no limit"
    errors = "1 error" if count == 1 else f"{count:,} errors"
    number, unit = split_window(window)
    return f"{errors} in {f'1 {unit[:-1]}' if number == 1 else f'{number} {unit}'}"


def use_text(use: QuotaUse) -> str:
    """Return `73 of 100`."""
    return f"{use.used:,} of {use.limit:,}"
