"""Numbers and times as the page of an organization writes them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from statsapi.pages.organization.numbers import Change
from tsdb.newest import Newest
from tsdb.outcomes import Outcome
from tsdb.units import DAY, HOUR, MINUTE

LARGEST_WHOLE = 9_999_999_999
"""The largest number that a column has room for."""

_SHORT = ((10**18, "×10¹⁸"), (10**15, "×10¹⁵"), (10**12, "×10¹²"), (10**9, "×10⁹"))
_UNITS = ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (1, "second"))


OUTCOME_WORDS = {
    outcome: "client discards" if outcome is Outcome.CLIENT_DISCARD else outcome.value.replace("_", " ")
    for outcome in Outcome
}
"""The words for events of each outcome, as `rate limited`."""


def number(count: int) -> str:
    """Return the number with its digits in groups; in short if there is no room for all of them."""
    if abs(count) <= LARGEST_WHOLE:
        return f"{count:,}".replace("-", "−")
    factor, words = next((factor, words) for factor, words in _SHORT if abs(count) >= factor)
    return f"{count / factor:.3f} {words}".replace("-", "−")


def signed(count: int) -> str:
    """Return a difference with its sign."""
    return f"+{number(count)}" if count > 0 else number(count)


def percent(change: Change) -> str:
    """Return how large a change is in percent, or `new` if there was nothing before."""
    if change.percent is None:
        return "new"
    digits = 1 if 0 < abs(change.percent) < 9.95 else 0
    return f"{change.percent:+,.{digits}f} %".replace("-", "−") if change.difference else "0 %"


def compared(change: Change, interval: int, points: int) -> str:
    """Return both numbers of a change, and of which intervals they are. A range has `points` intervals."""
    whole = interval * points
    earlier = f"{whole // HOUR} hours" if whole <= DAY else f"{whole // DAY} days"
    one = length(interval)
    units = f"whole {one}s" if one.isalpha() else f"times {one}"
    return (
        f"{change.now:,} in {points - 1} {units}, {change.before:,} in the same {one}s {earlier} earlier. "
        f"The {one} still open is left out."
    )


def length(seconds: int) -> str:
    """Return a length of time in words, as `6 hours`; one of a unit is the unit alone, as `hour`."""
    unit, word = next((unit, word) for unit, word in _UNITS if seconds % unit == 0)
    return word if seconds == unit else f"{seconds // unit} {word}s"


def ago(seconds: int) -> str:
    """Return how long ago something was."""
    if seconds < MINUTE:
        return "just now"
    if seconds < HOUR:
        return f"{seconds // MINUTE} min ago"
    if seconds < 2 * DAY:
        return f"{seconds // HOUR} h ago"
    return f"{seconds // DAY} days ago"


def moment(timestamp: int, zone: ZoneInfo, *, seconds: bool = False) -> str:
    """Return an instant in a zone, as `27 Nov 2026, 14:05`."""
    local = datetime.fromtimestamp(timestamp, zone)
    return f"{local.day} {local:%b %Y, %H:%M:%S}" if seconds else f"{local.day} {local:%b %Y, %H:%M}"


def exactly(newest: Newest, zone: ZoneInfo) -> str:
    """Return between which two instants of a zone the newest event came."""
    short = newest.seconds < MINUTE
    first, last = (moment(at, zone, seconds=short) for at in (newest.start, newest.start + newest.seconds))
    day, time = last.split(", ")
    return f"{first} – {time if first.startswith(day) else last} ({zone.key})"


def machine_time(timestamp: int) -> str:
    """Return an instant for the attribute `datetime`."""
    return f"{datetime.fromtimestamp(timestamp, UTC):%Y-%m-%dT%H:%M:%SZ}"
