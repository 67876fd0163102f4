"""The limits of intake as they are set, each with the name of its setting."""

from __future__ import annotations

from django.conf import settings

from statsapi.http.errors import BodyLimit
from statsapi.ingest.envelope import EnvelopeLimits


def body_limit(setting: str) -> BodyLimit:
    return BodyLimit(setting, getattr(settings, setting))


def envelope_limits() -> EnvelopeLimits:
    return EnvelopeLimits(
        header_line=body_limit("INGEST_MAX_HEADER_BYTES"),
        item=body_limit("INGEST_MAX_ITEM_BYTES"),
        items=body_limit("INGEST_MAX_ITEMS"),
    )
