"""The limits of what intake reads, each with the name of its setting."""

from __future__ import annotations

from django.conf import settings

from statsapi.http.errors import BodyLimit
from statsapi.ingest.envelope_parts import EnvelopeLimits


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
