"""What a reader can choose on a project's page. Each choice is a link or a field of a small form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.http import HttpRequest

from projects.durations import length_text, length_words
from statsapi.pages.project.names import category_name, in_order
from statsapi.pages.project.numbers import Numbers
from statsapi.pages.project.query import PRESETS
from statsapi.pages.project.ranges import offered_resolutions
from statsapi.pages.project.table import offset_text
from statsapi.pages.zones import PARAMETER, browser_zone
from tsdb.outcomes import Category
from tsdb.rollups import Rollup
from tsdb.units import DAY

SUGGESTED_ZONES = (
    "UTC", "Europe/London", "Europe/Berlin", "Europe/Kyiv", "Africa/Cairo", "Africa/Lagos", "Africa/Nairobi",
    "Asia/Dubai", "Asia/Kolkata", "Asia/Singapore", "Asia/Shanghai", "Asia/Tokyo", "Australia/Sydney",
    "Pacific/Auckland", "America/Sao_Paulo", "America/New_York", "America/Chicago", "America/Denver",
    "America/Los_Angeles",
)  # fmt: skip
"""What the field for a time zone suggests. It takes every other name too."""


class Choice(NamedTuple):
    """A link to the page with one thing changed. `is_current` says that it is so already."""

    label: str
    link: str
    is_current: bool


Kept = list[tuple[str, str]]
"""Parameters that a form hands on, in hidden fields."""


@dataclass(frozen=True)
class Controls:
    """All choices, and what is shown now. `start` and `end` are in the page's zone, as fields of a form have them."""

    ranges: list[Choice]
    resolutions: list[Choice]
    categories: list[Choice]
    zones: list[Choice]
    before: Choice
    csv: str
    environments: Sequence[str]
    suggested_zones: Sequence[str]
    start: str
    end: str
    kept_by_range: Kept
    kept_by_zone: Kept
    kept_by_environment: Kept
    resolution: str
    offset: str
    """The distance of the zone from UTC now."""
    days: str
    """Whose days the days are, or an empty text if the buckets are shorter."""


def controls(
    request: HttpRequest, numbers: Numbers, rollups: Sequence[Rollup], environments: Sequence[str]
) -> Controls:
    """Return the choices for the page with these numbers. `environments` are the names of the project's."""
    query, shown, zone = numbers.query, numbers.shown, numbers.query.zone
    counted = [rollup.seconds for rollup in rollups]
    of_days = ""
    if shown.interval >= DAY:
        of_days = zone.name if shown.days else "UTC"
    categories = in_order((*numbers.categories, query.category))
    return Controls(
        ranges=[
            Choice(preset.label, query.link(range=preset.name), query.span is None and preset is query.preset)
            for preset in PRESETS.values()
        ],
        resolutions=[
            Choice(
                length_words(seconds),
                query.link(resolution=length_text(seconds) if seconds in counted else None),
                seconds == shown.interval,
            )
            for seconds in offered_resolutions(shown, rollups)
        ],
        categories=[
            Choice(
                category_name(category),
                query.link(category=None if category == Category.ERROR else category, environment=None),
                category == query.category,
            )
            for category in categories
        ],
        zones=[
            Choice(name, query.link(timezone=name), name == zone.name)
            for name in dict.fromkeys((zone.name, browser_zone(request) or "UTC", "UTC"))
        ],
        before=Choice("The period before", query.link(before=None if query.before else "1"), query.before),
        csv=query.link(format="csv"),
        environments=environments if query.category == Category.ERROR else (),
        suggested_zones=SUGGESTED_ZONES,
        start=_field(query.start, numbers),
        end=_field(query.end, numbers),
        kept_by_range=_kept(numbers, "range", "from", "to", "resolution"),
        kept_by_zone=_kept(numbers, PARAMETER),
        kept_by_environment=_kept(numbers, "environment"),
        resolution=length_words(shown.interval),
        offset=offset_text(datetime.fromtimestamp(shown.now, zone.info)),
        days=of_days,
    )


def _kept(numbers: Numbers, *changed: str) -> Kept:
    return [(name, value) for name, value in numbers.query.parameters.items() if name not in changed]


def _field(instant: int, numbers: Numbers) -> str:
    return f"{datetime.fromtimestamp(instant, numbers.query.zone.info):%Y-%m-%dT%H:%M}"
