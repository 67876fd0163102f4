"""The example that the original documentation of the stats endpoint shows."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample

EXAMPLE_START = 1537308000
EXAMPLE_COUNTS = (
    459, 1290, 1460, 1059, 1154, 943, 1849, 545, 832, 1726, 1174, 653,
    935, 1383, 1766, 1341, 1508, 1142, 1259, 959, 1591, 1571, 834, 1343,
)  # fmt: skip
"""Counts by the hour."""

EXAMPLE = OpenApiExample(
    "A day by the hour",
    [[float(EXAMPLE_START + 3600 * hour), count] for hour, count in enumerate(EXAMPLE_COUNTS)],
    response_only=True,
    status_codes=["200"],
)
