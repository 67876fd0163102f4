"""How the chart names times: by the clock of the page's zone, on days of 23 to 25 hours too."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.once
DAY = 86400

SPANS: list[tuple[str, list[Any], str]] = [
    ("UTC", [1793491200, 1793494800, 3600], "Sun 1 Nov 2026, 00:00 – 01:00"),
    ("Europe/Berlin", [1792879200, 1792969200, DAY], "Sun 25 Oct 2026"),  # 25 hours
    ("Europe/Berlin", [1792886400, 1792972800, DAY], "Sun 25 Oct 2026, 02:00 – Mon 26 Oct 2026, 01:00"),
    ("Asia/Kathmandu", [1793491200, 1793491210, 10], "Sun 1 Nov 2026, 05:45:00 – 05:45:10"),
    ("Mars/Olympus", [1793491200, 1793494800, 3600], "Sun 1 Nov 2026, 00:00 – 01:00"),
]


def test_times_are_those_of_the_zone_and_a_day_of_25_hours_is_a_day(page: Page) -> None:
    page.goto("/login/")
    import_times = "const {Times} = await import('/static/pages/chart/times.js');"
    for zone, span, text in SPANS:
        script = f"async ([zone, span]) => {{ {import_times} return new Times(zone).span(...span) }}"
        assert page.evaluate(script, [zone, span]) == text


def test_ticks_stand_at_round_times_of_the_zone(page: Page) -> None:
    page.goto("/login/")
    script = """async ([zone, start, interval, count, most]) => {
      const {Times} = await import('/static/pages/chart/times.js');
      const times = new Times(zone);
      const starts = Array.from({length: count}, (_, place) => start + place * interval);
      const {ticks, seconds} = times.ticks(starts, interval, most);
      return times.labels(ticks, seconds);
    }"""
    midnight = 1793487600  # 1 November 2026 in Berlin
    assert page.evaluate(script, ["Europe/Berlin", midnight, 3600, 25, 5]) == [
        "00:00\n1 Nov", "06:00", "12:00", "18:00", "00:00\n2 Nov",
    ]  # fmt: skip
    assert page.evaluate(script, ["Asia/Kathmandu", 1793491200, 3600, 12, 4]) == [
        "06:45\n1 Nov",
        "09:45",
        "12:45",
        "15:45",
    ]
    assert page.evaluate(script, ["UTC", 1790812800, 86400, 100, 5]) == ["Oct\n2026", "Nov", "Dec", "Jan\n2027"]
