"""The rollups that are measured: the default ones of the service."""

from __future__ import annotations

from tsdb.rollups import DEFAULT_ROLLUPS, parse_rollups

ROLLUPS = parse_rollups(DEFAULT_ROLLUPS)
TEN_SECONDS, FIVE_MINUTES, HOURS, DAYS = ROLLUPS
KEPT = sum(rollup.samples for rollup in ROLLUPS)
"""The number of buckets that a series keeps, over all rollups."""
