"""Which buckets a project's page shows, with other rollups than the default ones."""

from __future__ import annotations

import itertools

import pytest

from statsapi.pages.project.query import PRESETS, read_query
from statsapi.pages.project.ranges import choose, offered_resolutions
from statsapi.pages.zones import Zone
from tsdb.rollups import DEFAULT_ROLLUPS, parse_rollups
from tsdb.timeline import Retention
from tsdb.units import DAY, HOUR, NS

NOW = 1_541_455_233
ROLLUPS = [
    DEFAULT_ROLLUPS,
    "10s:360",
    "1h:768,1d:400",
    "7d:100",
    "1d:5000",
    "10s:100000,5m:120000",
    "1s:3600,1m:20000,1h:40000",
]


@pytest.mark.parametrize("text", ROLLUPS)
def test_whatever_is_kept_every_view_has_a_range(text: str) -> None:
    rollups = parse_rollups(text)
    views = itertools.product(PRESETS, ["", "10s", "1d"], ["UTC", "Asia/Kolkata"], ["", "1"])
    for preset, resolution, zone, before in views:
        asked = {"range": preset, "resolution": resolution, "before": before}
        query = read_query(asked, Zone(zone, "address"), {}, rollups, NOW * NS)
        chosen = choose(query, rollups, Retention(NOW * NS))
        assert 1 <= chosen.shown.points <= 1000
        begins = chosen.shown.start <= PRESETS[preset].start(NOW) or chosen.query.preset.name != preset
        assert begins or (chosen.shown.days and chosen.shown.points == PRESETS[preset].seconds // DAY)
        assert chosen.shown.end > NOW
        if chosen.before:
            assert chosen.before.points == chosen.shown.points
            assert chosen.before.end == chosen.shown.start
            assert chosen.before.start >= chosen.before.complete_since
        assert chosen.shown.interval in offered_resolutions(chosen.shown, rollups)


def test_a_resolution_with_too_many_bars_gives_way_and_the_range_stays() -> None:
    rollups = parse_rollups("10s:100000,5m:120000")
    query = read_query({"range": "7d", "resolution": "10s"}, Zone("UTC", "default"), {}, rollups, NOW * NS)
    chosen = choose(query, rollups, Retention(NOW * NS))
    assert (chosen.shown.interval, chosen.shown.points) == (HOUR, 7 * 24)
    assert chosen.query.problems == ("10 seconds would be too many bars: at most 1000 are shown.",)


def test_a_day_of_a_zone_is_shown_only_where_its_parts_are_kept() -> None:
    rollups = parse_rollups(DEFAULT_ROLLUPS)
    asked = {"range": "30d", "resolution": "1d"}
    berlin, kolkata = (
        choose(read_query(asked, Zone(zone, "address"), {}, rollups, NOW * NS), rollups, Retention(NOW * NS))
        for zone in ("Europe/Berlin", "Asia/Kolkata")
    )
    assert berlin.shown.days
    assert berlin.notes == ()
    assert kolkata.shown.days is None  # its days are sums of five minutes, which are kept for a day
    assert kolkata.shown.interval == DAY
    assert kolkata.notes[0].startswith("These are days of UTC, because Asia/Kolkata has none so far back.")


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Europe/Berlin", "Asia/Tokyo"])
@pytest.mark.parametrize("hour", range(0, 24, 4))
def test_thirty_days_are_thirty_in_every_zone_at_every_hour(zone: str, hour: int) -> None:
    rollups, now = parse_rollups(DEFAULT_ROLLUPS), NOW + hour * HOUR
    query = read_query({"range": "30d", "resolution": "1d"}, Zone(zone, "address"), {}, rollups, now * NS)
    chosen = choose(query, rollups, Retention(now * NS))
    assert (chosen.shown.points, chosen.notes) == (30, ())
    assert chosen.shown.end - DAY <= now < chosen.shown.end
