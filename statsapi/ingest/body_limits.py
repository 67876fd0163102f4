"""The limits of what intake reads, each with the name of its setting."""

from __future__ import annotations

from django.conf import settings

from statsapi.http.errors import BodyLimit
from statsapi.ingest.envelope_parts import EnvelopeLimits

ENVELOPE_BODY = ("INGEST_MAX_ENVELOPE_BYTES", "INGEST_MAX_ENVELOPE_UNPACKED_BYTES")
STORE_BODY = ("INGEST_MAX_STORE_BYTES", "INGEST_MAX_STORE_UNPACKED_BYTES")
"""The settings that limit a whole body, as sent and unpacked. The first pair is for envelopes and crashes, the other
for single events, reports of browsers and check-ins."""


def body_limit(setting: str) -> BodyLimit:
    """Return the limit of that setting."""
    return BodyLimit(setting, getattr(settings, setting))


def envelope_limits() -> EnvelopeLimits:
    """Return the limits of an envelope."""
    return EnvelopeLimits(
        header_line=body_limit("INGEST_MAX_HEADER_BYTES"),
        item=body_limit("INGEST_MAX_ITEM_BYTES"),
        items=body_limit("INGEST_MAX_ITEMS"),
    )
