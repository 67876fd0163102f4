"""Units of time. A limit stands beside the code that keeps it, and names its unit."""

from __future__ import annotations

MINUTE, HOUR, DAY = 60, 3600, 86400
"""In seconds."""

NS = 1_000_000_000
"""Nanoseconds in a second."""
