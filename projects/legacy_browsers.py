"""The subfilters of the inbound filter legacy-browsers.

statsapi/ingest/user_agents.py knows which browsers each of them catches.
"""

from __future__ import annotations

LEGACY_BROWSERS = (
    "ie",
    "edge",
    "safari",
    "firefox",
    "chrome",
    "opera",
    "android",
    "opera_mini",
    "ie_pre_9",
    "ie9",
    "ie10",
    "ie11",
    "opera_pre_15",
    "opera_mini_pre_8",
    "android_pre_4",
    "safari_pre_6",
    "edge_pre_79",
)
"""Their names. The first eight catch all that the others do, which are older."""
