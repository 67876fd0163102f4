"""The rollups that are measured: those that the service has unless it is told otherwise."""

from __future__ import annotations

from tsdb.rollups import DEFAULT_ROLLUPS, parse_rollups

ROLLUPS = parse_rollups(DEFAULT_ROLLUPS)
TEN_SECONDS, FIVE_MINUTES, HOURS, DAYS = ROLLUPS
KEPT = sum(rollup.samples for rollup in ROLLUPS)
"""Buckets that a series keeps, over all rollups."""
