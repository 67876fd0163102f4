"""What a reader can choose on a project's page. Each choice is a link or a field of a small form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from statsapi.pages.project.numbers import Numbers
from statsapi.pages.project.query import PRESETS, length_text, length_words
from statsapi.pages.project.ranges import offered_resolutions
from tsdb.rollups import Rollup
from tsdb.units import DAY


class Choice(NamedTuple):
    """A link to the page with one thing changed. `is_current` says that it is so already."""

    label: str
    link: str
    is_current: bool


@dataclass(frozen=True)
class Controls:
    """All choices, and what is shown now."""

    ranges: list[Choice]
    resolutions: list[Choice]
    categories: list[Choice]
    environments: list[Choice]
    zones: list[Choice]
    resolution: str
    days: str
    """Whose days the days are, or an empty text if the buckets are shorter."""
    start: str
    end: str
    """The range as the fields of the form have it, in the page's zone."""
    csv: str
    others: list[tuple[str, str]]
    """What a form for a range has to keep."""
    besides_zone: list[tuple[str, str]]
    """What a form for a zone has to keep."""


def controls(numbers: Numbers, rollups: Sequence[Rollup], environments: Sequence[str]) -> Controls:
    """Return the choices for the page with these numbers."""
    query, shown, zone = numbers.query, numbers.shown, numbers.query.zone
    asked = query.parameters
    of_days = ""
    if shown.interval >= DAY:
        of_days = zone.name if shown.days else "UTC"
    return Controls(
        ranges=[
            Choice(preset.label, query.link(range=preset.name), query.span is None and preset is query.preset)
            for preset in PRESETS.values()
        ],
        resolutions=[
            Choice(length_words(seconds), query.link(resolution=length_text(seconds)), seconds == shown.interval)
            for seconds in offered_resolutions(shown, rollups)
        ],
        categories=[
            Choice(
                category.value.replace("_", " "),
                query.link(category=category.value, environment=None),
                category is query.category,
            )
            for category in numbers.categories
        ],
        environments=[
            Choice("all", query.link(environment=None), not query.environment),
            *(
                Choice(name, query.link(environment=name, category=None), name == query.environment)
                for name in environments
            ),
        ],
        zones=[Choice("UTC", query.link(timezone="UTC"), zone.name == "UTC")],
        resolution=length_words(shown.interval),
        days=of_days,
        start=_field(query.start, numbers),
        end=_field(query.end, numbers),
        csv=query.link(format="csv"),
        others=[(name, value) for name, value in asked.items() if name not in ("range", "from", "to", "resolution")],
        besides_zone=[(name, value) for name, value in asked.items() if name != "timezone"],
    )


def _field(instant: int, numbers: Numbers) -> str:
    return f"{datetime.fromtimestamp(instant, numbers.query.zone.info):%Y-%m-%dT%H:%M}"
